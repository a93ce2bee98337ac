// What the form says, which field is selected, and every state that it had.

import { boxOf, moved, putAt } from "./place.js";

const MOST_STEPS = 500;

/** `fields` and `rules` are {origin, keys}: which of the file's tables it was, and what it says. */
export const model = { head: {}, fields: [], rules: [], sizes: [], known: {}, mistakes: [], page: 1, selected: -1 };

const listeners = [];
let past = [], future = [], saved = "", step = "";

export function listen(tell) { listeners.push(tell); }
export function tellAll(what) { listeners.forEach((tell) => tell(what)); }

/** Begin with what the server says. */
export function load({ tables, pages, keys }) {
  const { field = [], rule = [], ...head } = tables;
  const origins = (table, origin) => ({ origin, keys: table });
  Object.assign(model, { head, fields: field.map(origins), rules: rule.map(origins), sizes: pages, known: keys });
  saved = write();
}

function write() { return JSON.stringify([model.head, model.fields, model.rules]); }
function remember() { return { text: write(), page: model.page, selected: model.selected }; }

function recall({ text, page, selected }) {
  [model.head, model.fields, model.rules] = JSON.parse(text);
  Object.assign(model, { page, selected: Math.min(selected, model.fields.length - 1) });
  step = "";
  tellAll("change");
}

/** Let `edit` change the form, as one step of history; steps with the same `name` in a row are one. */
export function change(name, edit) {
  const before = remember();
  edit();
  if (before.text !== write()) {
    if (!name || name !== step) past = [...past, before].slice(-MOST_STEPS);
    [future, step] = [[], name];
  }
  tellAll("change");
}

export function undo() {
  if (!past.length) return;
  future.push(remember());
  recall(past.pop());
}

export function redo() {
  if (!future.length) return;
  past.push(remember());
  recall(future.pop());
}

export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;
export const isSaved = () => saved === write();
/** A mark of the present state, to be given to `setSaved` when that has been written. */
export const mark = write;
export function setSaved(state) { saved = state; }

/** What the server shall check or save. */
export function toSend() {
  const tables = (list) => list.map((entry) => entry.keys);
  const origins = (list) => list.map((entry) => entry.origin);
  return {
    tables: { ...model.head, field: tables(model.fields), rule: tables(model.rules) },
    origins: { field: origins(model.fields), rule: origins(model.rules) },
  };
}

export const pageOf = (field) => (Number.isInteger(field.keys.page) ? field.keys.page : 1);
export const nameOf = (field) => String(field.keys.name ?? "");
export const sizeOf = () => model.sizes[model.page - 1];
export const chosen = () => model.fields[model.selected];
/** What is wrong with a field, or with one key of it. */
export function mistakesAt(...path) {
  return model.mistakes.filter(([place]) => path.every((part, n) => place[n] === part)).map(([, words]) => words);
}

export function select(index) {
  step = "";
  model.selected = index;
  if (chosen()) turnTo(pageOf(chosen()));
  tellAll("select");
}

function turnTo(page) {
  if (page >= 1 && page <= model.sizes.length) model.page = page;
}

export function showPage(page) {
  turnTo(page);
  model.selected = -1;
  tellAll("select");
}

/** The numbers of the fields of the shown page, in the order of the file. */
export function shown() {
  return [...model.fields.keys()].filter((index) => pageOf(model.fields[index]) === model.page);
}

function freshName(stem) {
  const taken = new Set(model.fields.map(nameOf));
  for (let number = 1; ; number++) {
    const name = `${stem}_${String(number).padStart(2, "0")}`;
    if (!taken.has(name)) return name;
  }
}

function insert(index, keys) {
  change("", () => {
    model.fields.splice(index, 0, { origin: null, keys });
    model.selected = index;
  });
  tellAll("select");
}

/** A new field behind the last one of its page, so that columns come in the order of pages. */
export function addField(box) {
  const before = model.fields.filter((field) => pageOf(field) <= model.page).length;
  const keys = { name: freshName("field") };
  if (model.page > 1) keys.page = model.page;
  insert(before, { ...keys, box });
}

/** The selected field once more, right below itself. */
export function copyField() {
  const box = chosen() && boxOf(chosen().keys);
  if (!box) return;
  const keys = JSON.parse(JSON.stringify(chosen().keys));
  putAt(keys, moved(box, 0, box[3], sizeOf()));
  insert(model.selected + 1, { ...keys, name: freshName(nameOf(chosen()).replace(/_\d+$/, "") || "field") });
}

export function removeField() {
  if (!chosen()) return;
  const [index, page] = [model.selected, model.page];
  change("", () => {
    model.fields.splice(index, 1);
    const left = model.fields[index] ?? model.fields[index - 1];
    model.selected = left && pageOf(left) === page ? Math.min(index, model.fields.length - 1) : -1;
  });
  tellAll("select");
}

/** Put the selected field before or behind its neighbour: columns stand in the order of the file. */
export function shiftField(by) {
  const goal = model.selected + by;
  if (!chosen() || goal < 0 || goal >= model.fields.length) return;
  change("", () => {
    model.fields.splice(goal, 0, ...model.fields.splice(model.selected, 1));
    model.selected = goal;
  });
}

/** Set a key of the selected field; undefined takes it away. */
export function setKey(key, value, name = "") {
  change(name, () => {
    const keys = chosen().keys;
    const before = keys[key];
    if (value === undefined) delete keys[key];
    else keys[key] = value;
    if (key === "name") renameInRules(before, value);
  });
}

/** Rules go on meaning a field that is called otherwise now, unless another has its old name. */
function renameInRules(before, after) {
  if (after === undefined || model.fields.some((field) => field.keys.name === before)) return;
  for (const { keys } of model.rules) {
    if (keys.equals === before) keys.equals = after;
    if (Array.isArray(keys.sum)) keys.sum = keys.sum.map((name) => (name === before ? after : name));
  }
}

/** Move or resize the selected field, `from` where it was when that began. */
export function putChosen(box, name, from) {
  change(name, () => putAt(chosen().keys, box, from));
}
