// The page: what stands at the top, the keys that work everywhere, and saving.

import { canRedo, canUndo, chosen, isSaved, listen, mistakesAt, model, nameOf, redo, select, showPage, undo } from "./model.js";
import * as panel from "./panel.js";
import * as paper from "./paper.js";
import { checkSoon, end, fetchForm, save } from "./talk.js";

const byId = (id) => document.getElementById(id);
const COMMANDS = { s: () => store(), z: undo, y: redo, Z: redo };
let leftAt = "";

function drawTop() {
  document.title = `${isSaved() ? "" : "• "}${model.head.name} – docproc form edit`;
  byId("title").textContent = model.head.name;
  byId("undo").disabled = !canUndo();
  byId("redo").disabled = !canRedo();
  const wrong = model.mistakes.length;
  byId("state").className = wrong ? "wrong" : "";
  byId("state").textContent = wrong ? `⚠ ${wrong} ${wrong === 1 ? "mistake" : "mistakes"}` : isSaved() ? leftAt || "nothing changed" : "not saved yet";
  drawTabs();
}

function drawTabs() {
  const pages = model.sizes.length > 1 ? model.sizes : [];
  if (byId("tabs").childElementCount !== pages.length) {
    byId("tabs").replaceChildren(...pages.map((_, n) => panel.make("button", { textContent: `Page ${n + 1}`, onclick: () => showPage(n + 1) })));
  }
  [...byId("tabs").children].forEach((tab, n) => tab.setAttribute("aria-pressed", String(n + 1 === model.page)));
}

/** Say what is selected to those who do not see it. */
function speak() {
  const field = chosen();
  const wrong = field ? mistakesAt("field", model.selected) : [];
  byId("spoken").textContent = field
    ? `${nameOf(field)}, ${field.keys.type ?? "digits"}, field ${model.selected + 1} of ${model.fields.length}${wrong.length ? `: ${wrong.join("; ")}` : ""}`
    : "no field selected";
}

/** Take over what is being typed: a control says so only when it is left. */
function commit() {
  if (isTyping()) document.activeElement.dispatchEvent(new Event("change"));
}

async function store() {
  commit();
  const path = await save();
  if (path) leftAt = `saved ${path}`;
  else if (model.mistakes.length) showMistake();
  drawTop();
  return path;
}

/** Go to the first field that has a mistake. */
function showMistake() {
  const place = model.mistakes.map(([path]) => path).find(([kind, index]) => kind === "field" && index !== undefined);
  if (!place) return;
  select(place[1]);
  document.dispatchEvent(new CustomEvent("edit-key", { detail: String(place[2] ?? "name") }));
}

async function leave() {
  if (!(await store())) return;
  await end();
  for (const node of document.querySelectorAll("header, main")) node.hidden = true;
  byId("end").hidden = false;
}

/** Whether text was typed that has not been taken over: its own undo goes first. */
function isTyping() {
  const control = document.activeElement;
  return control?.matches("input[type=text], textarea") && control.value !== control.dataset.was;
}

function typed(event) {
  if (document.querySelector("dialog[open]")) return;
  const inControl = event.target.matches?.("input, textarea, select");
  const key = event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
  const command = (event.ctrlKey || event.metaKey) && !event.altKey && COMMANDS[key];
  const shortcut = !inControl && !event.ctrlKey && !event.metaKey && !event.altKey && paper.shortcuts[key.toLowerCase()];
  if (event.key === "Escape" && inControl) byId("paper").focus();
  if (!(command || shortcut) || (command !== COMMANDS.s && command && isTyping())) return;
  event.preventDefault();
  (command || shortcut)();
}

async function start() {
  const path = await fetchForm();
  if (!path) return;
  byId("title").title = path;
  listen((what) => {
    if (what === "change") checkSoon();
    if (what !== "change") speak();
    drawTop();
  });
  paper.start();
  panel.start();
  drawTop();
  checkSoon();
  for (const [id, act] of Object.entries({ undo, redo, save: store, leave })) byId(id).addEventListener("click", act);
  byId("help").addEventListener("click", () => byId("keys").showModal());
  document.addEventListener("keydown", typed);
  addEventListener("beforeunload", (event) => { if (!isSaved()) event.preventDefault(); });
  document.body.dataset.ready = "true";
}

start();
