// The grid: digits that were read alike on one screen, the least typical first; what is wrong is marked or keyed.

import { ask } from "./ask.js";
import { make } from "./item.js";

const wallPlace = document.getElementById("wall");
const COLUMNS = 12;
const wall = { number: 0, digit: "", tiles: [], marked: new Map(), at: 0, asked: false };

/** Take a wall of one digit, or of the one that most are left of. */
export async function openWall(digit) {
  wall.count = 0; // what is keyed until the next wall is there is for none
  document.getElementById("tiles")?.remove();
  const told = await ask("ask/wall", digit === undefined ? {} : { digit });
  if (told.status !== 200) return;
  Object.assign(wall, { number: told.wall, digit: told.digit, count: told.tiles, marked: new Map(), at: 0, asked: false });
  drawWall(told.ticks);
}

function drawWall(ticks) {
  const picks = ticks.map((tick) => {
    const button = make("button", { onclick: () => openWall(tick.digit) }, make("b", { textContent: tick.digit }), make("small", { textContent: tick.left.toLocaleString("en") }));
    button.ariaLabel = `All that were read as ${tick.digit}, ${tick.left} left`;
    button.setAttribute("aria-pressed", String(tick.digit === wall.digit));
    return button;
  });
  wall.tiles = Array.from({ length: wall.count }, (_, number) => drawTile(number));
  const words = wall.count ? `All of these were read as ${wall.digit}. Mark what is something else: click it, or go there with the arrows and press Space, or key the right digit.` : "None of these digits is left.";
  wallPlace.replaceChildren(
    make("div", { id: "picks", role: "group", ariaLabel: "Digit" }, ...picks),
    make("p", { id: "wall-words", textContent: words }),
    make("div", { id: "tiles", role: "group", ariaLabel: `Read as ${wall.digit}` }, ...wall.tiles),
    make("div", { id: "wall-end" }, make("button", { id: "judge", className: "first", onclick: judge, hidden: !wall.count }), make("span", { id: "judge-words" })),
  );
  drawMarks();
  wall.tiles[0]?.focus();
}

function drawTile(number) {
  const tile = make("button", { className: "tile", tabIndex: number ? -1 : 0 });
  tile.style.backgroundImage = `url("walls/${wall.number}.png")`;
  tile.style.backgroundPosition = `${(100 * (number % COLUMNS)) / (COLUMNS - 1)}% ${100 * share(number)}%`;
  tile.style.backgroundSize = `${100 * COLUMNS}% auto`;
  tile.addEventListener("click", () => { goTo(number); toggle(number); });
  return tile;
}

/** How far down the picture the row of a tile is. */
function share(number) {
  const rows = Math.ceil(wall.count / COLUMNS);
  return rows < 2 ? 0 : Math.floor(number / COLUMNS) / (rows - 1);
}

function toggle(number) {
  if (number >= wall.count) return;
  if (wall.marked.has(number)) wall.marked.delete(number);
  else wall.marked.set(number, "");
  change();
}

function change() {
  if (!wall.count) return;
  wall.asked = false;
  drawMarks();
}

function drawMarks() {
  wall.tiles.forEach((tile, number) => {
    const mark = wall.marked.get(number);
    tile.setAttribute("aria-pressed", String(mark !== undefined));
    tile.ariaLabel = `Digit ${number + 1}${mark === undefined ? "" : mark ? `, is ${mark}` : ", wrong"}`;
    tile.replaceChildren(...(mark ? [make("b", { textContent: mark })] : []));
  });
  const button = document.getElementById("judge");
  const keyed = [...wall.marked.values()].filter(Boolean).length;
  const right = wall.count - wall.marked.size;
  const said = [`${right} are ${wall.digit}`];
  if (keyed) said.push(`${keyed} corrected`);
  if (wall.marked.size - keyed) said.push(`${wall.marked.size - keyed} go to the queue`);
  button.replaceChildren(wall.asked ? "Yes, keep this " : "Done ", make("kbd", { textContent: "Enter" }));
  document.getElementById("judge-words").textContent = wall.asked ? `${said.join(", ")}. Is that so? Escape goes back.` : said.join(", ");
  wallPlace.dataset.asked = String(wall.asked);
}

function goTo(number) {
  if (number < 0 || number >= wall.count) return;
  wall.tiles[wall.at].tabIndex = -1;
  wall.at = number;
  wall.tiles[number].tabIndex = 0;
  wall.tiles[number].focus();
}

/** First ask whether it is so, then keep it and take the next wall. */
async function judge() {
  if (!wall.count) return;
  if (!wall.asked) {
    wall.asked = true;
    return drawMarks();
  }
  const wrong = [...wall.marked].map(([tile, digit]) => ({ tile, digit }));
  const told = await ask("ask/judge", { wall: wall.number, wrong });
  if (told.status !== 200) return;
  await openWall(wall.digit);
  const planted = told.caught + told.missed ? `You found ${told.caught} of ${told.caught + told.missed} that were planted; ${told.everCaught} of ${told.everCaught + told.everMissed} so far.` : "";
  const words = `${told.verified} are right, ${told.keyed} fields were corrected, ${told.queued} wait in the queue. ${planted}`;
  wallPlace.prepend(make("p", { id: "found", role: "status", className: told.missed ? "missed" : "", textContent: words }));
}

/** Keys of the wall; whether one was. */
export function typeOnWall(event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };
  if (event.key in steps) goTo(wall.at + steps[event.key]);
  else if (event.key === " ") toggle(wall.at);
  else if (/^[0-9]$/.test(event.key) && wall.count) {
    if (event.key === wall.digit) wall.marked.delete(wall.at);
    else wall.marked.set(wall.at, event.key);
    change();
    goTo(wall.at + 1);
  } else if (event.key === "Backspace" || event.key === "Delete") {
    wall.marked.delete(wall.at);
    change();
  } else if (event.key === "Enter") judge();
  else if (event.key === "Escape") change();
  else return false;
  return true;
}
