// The review page: who answers, and then one field after the other.

import { ask } from "./ask.js";
import { startKeys } from "./keys.js";
import { keepOn, line, openLine, restart } from "./line.js";
import { make } from "./item.js";
import { drawLines } from "./side.js";

let shared = false;
const byId = (id) => document.getElementById(id);

/** Ask who sits here, unless it is known. */
async function askWho(suggested) {
  const dialog = byId("who-dialog");
  byId("who").value = suggested;
  byId("who-trouble").hidden = true;
  dialog.showModal();
  byId("who").select();
  await new Promise((done) => {
    byId("who-form").onsubmit = async (event) => {
      event.preventDefault();
      const told = await ask("who", { who: byId("who").value });
      byId("who-trouble").textContent = told.failure ?? "";
      byId("who-trouble").hidden = !told.failure;
      if (!told.who) return;
      setWho(told.who);
      done();
    };
    dialog.addEventListener("close", done, { once: true });
  });
  dialog.close();
}

function setWho(who) {
  byId("whose").textContent = who;
  byId("whose").hidden = false;
}

async function changeWho() {
  await ask("ask/leave");
  if (shared) {
    await ask("logout");
    return location.reload();
  }
  await askWho(byId("whose").textContent);
  line.answered = [];
  await openLine(line.purpose);
}

/** What only a page with a server behind it has. */
function startExtras() {
  byId("budget")?.addEventListener("click", showCosts);
  byId("end")?.addEventListener("click", end);
  if (byId("end")) byId("end").hidden = shared;
}

async function showCosts() {
  const told = await ask("ask/budget");
  if (!told.offers) return;
  const rows = told.offers.map((offer) => {
    const cells = [`${+(100 * offer.max_error).toPrecision(3)} %`, offer.looks, offer.left, Math.ceil(offer.minutes), offer.wrong < 10 ? offer.wrong.toFixed(1) : Math.round(offer.wrong)];
    const row = make("tr", { className: offer.max_error === told.borne ? "borne" : "" }, ...cells.map((cell) => make("td", { textContent: cell.toLocaleString("en") })));
    return row;
  });
  byId("offers").replaceChildren(...rows);
  byId("costs-words").textContent = `At ${told.seconds.toFixed(1)} seconds a field. The marked line is what these results were read with; --max-error of docproc run chooses another.`;
  byId("costs").showModal();
}

async function end() {
  const told = await ask("close");
  if (told.status !== 200) return;
  for (const node of document.querySelectorAll("header, #tools, main")) node.hidden = true;
  byId("ended").hidden = false;
}

async function start() {
  const told = await ask("ask/start");
  if (!told.lines) return;
  line.lines = told.lines;
  shared = told.shared;
  if (told.who) setWho(told.who);
  if (shared) byId("whose").title = "Log out";
  startExtras();
  startKeys();
  byId("whose").addEventListener("click", changeWho);
  byId("again").addEventListener("click", () => openLine(line.purpose));
  for (const id of ["by-reason", "by-field", "by-order"]) {
    byId(id).addEventListener("change", () => {
      byId(id).blur();
      restart();
    });
  }
  byId("who-dialog").addEventListener("cancel", (event) => { if (byId("whose").hidden) event.preventDefault(); });
  if (!told.who) await askWho(told.suggested);
  const first = told.lines.find((one) => one.left) ?? told.lines[0];
  drawLines(line.lines, first.purpose, openLine);
  await openLine(first.purpose);
  keepOn();
  document.body.dataset.ready = "true";
}

start();
