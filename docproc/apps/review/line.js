// The line of fields: the one on the screen, the next ones with their pictures loading, and what was answered.

import { ask, loadAround, loadStrip, tellLast } from "./ask.js";
import { begin, rekey, toAnswer, value } from "./edit.js";
import { drawItem, drawValue, sayAnswer, speakItem } from "./item.js";
import { openWall } from "./grid.js";
import { drawLines, drawProgress, notePace, readWanted } from "./side.js";

const byId = (id) => document.getElementById(id);
const AHEAD = 4; // the field on the screen and three more
const KEEP_MS = 60_000;
const LOOK_MS = 15_000;
export const line = { purpose: "review", items: [], answered: [], lines: [], view: 0, busy: false, round: 0 };
const pictures = new Map();

export const current = () => line.items[0];

/** Work on a line from its beginning. */
export async function openLine(purpose) {
  line.purpose = purpose;
  line.round += 1;
  const isGrid = purpose === "grid";
  byId("wall").hidden = !isGrid;
  byId("tools").hidden = byId("bar").hidden = isGrid;
  drawLines(line.lines, line.purpose, openLine);
  byId("desk").hidden = byId("empty").hidden = true; // what is typed from now on is not for the field before
  if (isGrid) return openWall();
  await restart();
}

/** Begin the line anew, as with another part of it; what was asked for before comes too late. */
export async function restart() {
  line.items = [];
  line.round += 1;
  const round = line.round;
  await refill(null);
  if (round === line.round) show();
}

/** Ask for what is wanted now, from the field on the screen on. */
export async function refill(after) {
  const round = line.round;
  const told = await ask("ask/take", toTaking(after));
  if (told.items && round === line.round) takeIn(told);
}

function toTaking(after) {
  return { purpose: line.purpose, count: AHEAD, after, ...readWanted() };
}

/** The fields that came are the next ones; those that are answered but not yet written must not come again. */
function takeIn(told) {
  const held = new Set([...line.items.map((item) => item.id), ...line.answered.filter((entry) => entry.waits).map((entry) => entry.item.id)]);
  line.items.push(...told.items.filter((item) => item.purpose === line.purpose && !held.has(item.id)));
  for (const item of line.items) if (!pictures.has(item.id)) pictures.set(item.id, loadStrip(item));
  const kept = new Set([...line.items, ...line.answered.slice(-AHEAD).map((entry) => entry.item)].map((item) => item.id));
  for (const id of pictures.keys()) if (!kept.has(id)) pictures.delete(id);
  drawProgress(told.progress);
  setLeft(told.progress.left);
}

function setLeft(left) {
  const wanted = readWanted();
  const known = line.lines.find((one) => one.purpose === line.purpose);
  if (known && !wanted.reason && !wanted.field) known.left = left;
  drawLines(line.lines, line.purpose, openLine);
}

/** Show the field whose turn it is, or that there is none. */
export function show() {
  if (line.purpose === "grid") return; // an answer that came late
  const item = current();
  line.view = 0;
  byId("desk").hidden = !item;
  byId("empty").hidden = Boolean(item);
  byId("undo").disabled = byId("undo-last").disabled = !line.answered.length;
  if (!item) return showNothing();
  if (!pictures.has(item.id)) pictures.set(item.id, loadStrip(item));
  begin(item.answer ?? item.value, item.answer && item.answer.text !== item.value?.text ? [] : item.digits);
  if (item.keyed) rekey(item.keyed);
  turnTo(0);
  drawItem(item, pictures.get(item.id));
  speakItem(item);
}

function showNothing() {
  const left = line.lines.find((one) => one.purpose === line.purpose)?.left;
  const wanted = readWanted();
  const part = wanted.reason || wanted.field;
  byId("empty-title").textContent = left && !part ? "Others have the rest before them" : part ? "Nothing more of this kind" : "Nothing is left to look at";
  byId("empty-words").textContent = left && !part
    ? `${left.toLocaleString("en")} fields are being looked at by others; what they leave comes back here in a few minutes.`
    : part ? "Choose another reason or field above." : "The results file holds all answers.";
  byId("spoken").textContent = byId("empty-title").textContent;
}

/** Say what the field on the screen holds, and go on to the next at once; `answer` in place of what was keyed. */
export async function commit(answer = toAnswer()) {
  const item = current();
  if (!item || !answer) return Boolean(item) && flash();
  const entry = { item, waits: true, correction: null };
  const round = line.round;
  line.answered.push(entry);
  line.items.shift();
  notePace();
  show();
  const asked = { item: item.id, version: item.version, ...answer, ...toTaking(line.items.at(-1)?.id ?? item.id) };
  const told = await ask("ask/answer", { ...asked, purpose: item.purpose });
  entry.waits = false;
  if (told.status !== 200) return giveBack(entry, told, answer);
  entry.correction = told.correction;
  const none = !current();
  if (round === line.round) takeIn(told);
  if (none) show();
  byId("undo").disabled = byId("undo-last").disabled = false;
}

/** Show a field again that could not be answered, with what was keyed. */
async function giveBack(entry, told, keyed) {
  line.answered.splice(line.answered.indexOf(entry), 1);
  if (value.touched && current()) current().keyed = toAnswer() ?? undefined; // begun meanwhile
  if (told.status === 409) return resolveConflict(entry.item, told.changed);
  line.items.unshift({ ...entry.item, keyed });
  show();
}

/** Tell that a field is another by now: leave it so, or look at it again. */
async function resolveConflict(item, changed) {
  const last = changed?.said.find((row) => !row.undone);
  const now = changed?.answer ?? changed?.value;
  const news = last ? `${last.who} said ${sayAnswer(last)}` : now ? `it is ${sayAnswer(now)} now` : "somebody else has answered it"; // a blind line says no more
  byId("conflict-words").textContent = !changed
    ? `${item.field} on page ${item.page} was read anew, and is not there any more.`
    : `${item.field} on page ${item.page}: ${news}. Your answer was not written.`;
  const dialog = byId("conflict");
  dialog.returnValue = "";
  dialog.querySelector("[value=look]").hidden = !changed;
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (dialog.returnValue === "look" && changed) line.items.unshift(changed);
  show();
}

/** Nothing was keyed: say so without words. */
function flash() {
  byId("value").animate?.([{ transform: "translateX(-4px)" }, { transform: "translateX(4px)" }, { transform: "none" }], 180);
  byId("spoken").textContent = "Key a value first, or B for blank.";
}

/** Take back the last answer, and show its field again. */
export async function undo() {
  const entry = line.answered.at(-1);
  if (!entry || line.busy) return;
  line.busy = true;
  try {
    await ask("ask/keep", { items: line.items.slice(0, AHEAD).map((item) => item.id) }); // behind the answer itself
    if (entry.correction === null) return;
    const told = await ask("ask/undo", { correction: entry.correction, ...toTaking(null) });
    if (told.status !== 200 && told.status !== 409 && told.status !== 400) return;
    line.answered.splice(line.answered.indexOf(entry), 1);
    if (told.status === 409) return await resolveConflict(entry.item, told.changed);
    if (told.item) {
      line.items = line.items.filter((item) => item.id !== told.item.id);
      line.items.unshift(told.item);
    }
    if (told.progress) drawProgress(told.progress);
    if (told.progress) setLeft(told.progress.left);
    show();
  } finally {
    line.busy = false;
  }
}

/** Go to the field before or behind in the line, answered or not. */
export async function step(to) {
  const item = current();
  if (!item || line.busy) return;
  line.busy = true;
  try {
    const told = await ask("ask/step", { item: item.id, to, ...toTaking(null) });
    if (!told.item) return;
    line.items = line.items.filter((known) => known.id !== told.item.id);
    line.items.unshift(told.item);
    line.items.splice(AHEAD);
    show();
  } finally {
    line.busy = false;
  }
}

/** Show the page around the field, then the whole page, then the field again. */
export async function turnView() {
  if (!current()) return;
  line.view = (line.view + 1) % 3;
  await showView();
}

export async function closeView() {
  if (!line.view) return false;
  line.view = 0;
  await showView();
  return true;
}

function turnTo(view) {
  byId("around").setAttribute("aria-pressed", String(view > 0));
  byId("strip").hidden = view > 0;
  byId("context").hidden = !view;
  document.body.dataset.view = ["strip", "around", "whole"][view];
}

async function showView() {
  const item = current();
  const view = line.view;
  turnTo(view);
  drawValue(item);
  if (!view) return;
  byId("context").textContent = "…";
  const told = await loadAround(item, view === 2);
  if (current() !== item || line.view !== view) return;
  if (told.picture) told.picture.alt = `The page around ${item.field}, which is framed`;
  byId("context").replaceChildren(told.picture ?? `The page cannot be shown: ${told.failure}`);
}

/** Keep the fields on this screen from others, and follow what others do. */
export function keepOn() {
  setInterval(async () => {
    const told = await ask("ask/keep", { items: line.items.slice(0, AHEAD).map((item) => item.id) });
    if (!told.lines) return;
    line.lines = told.lines;
    drawLines(line.lines, line.purpose, openLine);
  }, KEEP_MS);
  setInterval(async () => {
    if (current() || document.hidden || byId("empty").hidden) return;
    await refill(null);
    if (current()) show();
  }, LOOK_MS);
  addEventListener("pagehide", () => tellLast("ask/leave"));
}
