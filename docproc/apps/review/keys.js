// Keys, and the buttons that do the same for fingers.

import { insert, move, moveTo, remove, reset, restore, type, value } from "./edit.js";
import { typeOnWall } from "./grid.js";
import { drawValue, LETTERS, make } from "./item.js";
import { closeView, commit, current, step, turnView, undo } from "./line.js";

const byId = (id) => document.getElementById(id);
const SIGNS = "0123456789.,:/-";

const choose = (number) => {
  const choice = current()?.choices[number];
  if (choice) commit({ status: choice.status, text: choice.text });
};
const edit = (change) => () => {
  if (!current()) return;
  change();
  drawValue(current());
};
const setWord = (status) => commit({ status, text: "" });

const ACTS = {
  Enter: () => commit(),
  b: () => setWord("blank"),
  x: () => setWord("unreadable"),
  u: undo,
  c: turnView,
  k: edit(reset),
  "?": () => byId("keys").showModal(),
  ArrowLeft: edit(() => move(-1)),
  ArrowRight: edit(() => move(1)),
  Home: edit(() => moveTo(0)),
  End: edit(() => moveTo(value.letters.length)),
  Backspace: edit(() => remove(true)),
  Delete: edit(() => remove(false)),
  Insert: edit(insert),
  ArrowUp: () => step("before"),
  ArrowDown: () => step("behind"),
  Escape: async () => (await closeView()) || edit(() => restore(current().digits))(),
};
for (const [number, letter] of LETTERS.entries()) ACTS[letter.toLowerCase()] = () => choose(number);

const HELP = [
  ["0–9 . , : / -", "overwrite the digit under the cursor; at the end, add"],
  ["Enter", "accept what is shown"],
  ["B, X", "blank, unreadable"],
  [LETTERS.join(" "), "take that other reading (also Alt+1 to Alt+6)"],
  ["← → Home End", "move the cursor"],
  ["Backspace, Delete", "take out the digit before the cursor, or at it"],
  ["Insert", "open a gap at the cursor"],
  ["K, Escape", "key all anew; back to what was read"],
  ["U", "undo the last answer, again for the one before"],
  ["↑ ↓", "the field before, the field behind, answered or not"],
  ["C", "the page around the field; again for the whole page"],
  ["?", "these keys"],
];

function typed(event) {
  if (document.querySelector("dialog[open]") || event.target.matches?.("input, select, textarea")) return;
  if (!byId("wall").hidden && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const isPick = event.target.closest?.("#picks, header, #tools") && (event.key === "Enter" || event.key === " ");
    if (!isPick && typeOnWall(event)) event.preventDefault();
    if (event.key !== "?") return;
  }
  if (byId("desk").hidden && event.key !== "?" && event.key.toLowerCase() !== "u") return;
  const digit = /^Digit([1-6])$/.exec(event.code);
  let act;
  if (event.altKey && digit) act = () => choose(Number(digit[1]) - 1);
  else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") act = undo;
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (SIGNS.includes(event.key)) act = edit(() => type(event.key));
  else act = ACTS[event.key] ?? ACTS[event.key.toLowerCase()];
  if (!act) return;
  if (event.key === "Enter" && event.target.closest?.("button")) event.target.blur(); // Enter accepts, wherever one clicked
  event.preventDefault();
  act();
}

function drawPad() {
  const keys = ["7", "8", "9", "4", "5", "6", "1", "2", "3", "0", ".", "⌫"];
  const labels = { "⌫": "Delete the digit before" };
  const buttons = keys.map((key) => make("button", { textContent: key, ariaLabel: labels[key] ?? key, onclick: key === "⌫" ? ACTS.Backspace : edit(() => type(key)) }));
  byId("pad").replaceChildren(...buttons);
}

/** Listen to keys and fingers. */
export function startKeys() {
  drawPad();
  byId("key-list").replaceChildren(...HELP.flatMap(([keys, words]) => [make("dt", { textContent: keys }), make("dd", { textContent: words })]));
  document.addEventListener("keydown", typed);
  const acts = { accept: () => commit(), blank: ACTS.b, unreadable: ACTS.x, undo, "undo-last": undo, before: ACTS.ArrowUp, behind: ACTS.ArrowDown, around: turnView, help: ACTS["?"] };
  for (const [id, act] of Object.entries(acts)) byId(id).addEventListener("click", () => act());
  byId("choices").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.choice));
  });
  byId("value").addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) edit(() => moveTo(Number(cell.dataset.number)))();
  });
  byId("strip").addEventListener("click", (event) => {
    const place = current()?.digits[event.target.dataset?.number]?.place;
    if (place !== undefined && place !== null) edit(() => moveTo(place))();
  });
  addEventListener("resize", () => current() && drawValue(current()));
}
