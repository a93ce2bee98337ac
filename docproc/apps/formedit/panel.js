// The side panel: the keys of the selected field, the list of all fields, the sums.

import {
  change, chosen, copyField, listen, mistakesAt, model, nameOf, pageOf, putChosen, removeField, select, setKey, shiftField,
} from "./model.js";
import { boxOf, isBox, listed } from "./place.js";

const [section, list, rules, head] = ["field", "list", "rules", "head"].map((id) => document.getElementById(id));
/** How a key is edited; the server says which there are, with which types they go, and what is wrong with their values. */
const LOOKS = {
  name: "text", type: "choice", page: "number", pattern: "text", length: "number", min_length: "number",
  max_length: "number", format: "text", check: "choice", minimum: "number", maximum: "number", required: "flag",
  values: "values", max_error: "number",
};
const EXAMPLES = { pattern: "###-##", format: "dd/mm/yy", max_error: "0.001" };
/** Keys that stand beside each other, and how many of six columns each takes. */
const COLUMNS = { length: 2, min_length: 2, max_length: 2, minimum: 3, maximum: 3 };
const WITHOUT = { type: "digits", page: "1" };

let rows = [], built = "", serial = 0;

export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

const button = (text, onclick, more = {}) => make("button", { type: "button", textContent: text, onclick, ...more });

// --- rows

/** A labelled control. `show` puts the value into it, `wrong` names its mistakes. */
function row(key, label, control, show, wrong, help = "") {
  const id = `control-${(serial += 1)}`;
  Object.assign(control, { id, title: help });
  control.dataset.key = key;
  const words = make("p", { className: "wrong-words", id: `${id}-wrong` });
  control.setAttribute("aria-describedby", words.id);
  const node = make("div", { className: "row" }, make("label", { htmlFor: id, textContent: label, title: help }), control, words);
  const update = () => {
    show(control);
    const mistakes = wrong();
    words.textContent = mistakes.join("; ");
    words.hidden = !mistakes.length;
    control.setAttribute("aria-invalid", String(mistakes.length > 0));
  };
  return { node, update };
}

/** Show a value, unless somebody is typing another there. */
function fill(control, value) {
  if (control === document.activeElement && control.value !== control.dataset.was) return;
  control.value = control.dataset.was = value;
}

const asText = (value) => (value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
/** A number where there is one; what is none goes to the server, which says so. */
function asNumber(text) {
  const number = Number(text);
  return text.trim() && Number.isFinite(number) ? number : text;
}
const orNothing = (text, read = (same) => same) => (text === "" ? undefined : read(text));

function keyRow(key) {
  const { help, choices } = model.known[key];
  const value = () => chosen()?.keys[key];
  const make_ = { choice: choiceOf, flag: flagOf, values: valuesOf }[LOOKS[key]] ?? textOf;
  const [control, show] = make_(key, value, choices);
  const made = row(key, key.replace("_", " "), control, show, () => mistakesAt("field", model.selected, key), help);
  if (key in COLUMNS) made.node.classList.add("narrow", `columns-${COLUMNS[key]}`);
  return made;
}

function textOf(key, value) {
  const read = LOOKS[key] === "number" ? asNumber : undefined;
  const control = make("input", { type: "text", autocomplete: "off", spellcheck: false, placeholder: EXAMPLES[key] ?? WITHOUT[key] ?? "" });
  if (read) control.inputMode = "decimal";
  control.addEventListener("change", () => setKey(key, orNothing(key === "name" ? control.value.trim() : control.value, read)));
  return [control, () => fill(control, asText(value()))];
}

function choiceOf(key, value, choices) {
  const none = key in WITHOUT ? [] : [""];
  const control = make("select");
  control.addEventListener("change", () => setKey(key, control.value === (WITHOUT[key] ?? "") ? undefined : control.value));
  const show = () => {
    const now = asText(value()) || WITHOUT[key] || "";
    const all = [...new Set([...none, ...choices, now])];
    if (control.length !== all.length) control.replaceChildren(...all.map((name) => make("option", { value: name, textContent: name || "none" })));
    control.value = now;
  };
  return [control, show];
}

function flagOf(key, value) {
  const control = make("input", { type: "checkbox" });
  control.addEventListener("change", () => setKey(key, control.checked || undefined));
  return [control, () => { control.checked = value() === true; }];
}

/** A list, one a line; or a single line that names a column of a file. */
function valuesOf(key, value) {
  const control = make("textarea", { rows: 2, spellcheck: false, placeholder: "one a line, or roster.csv:column" });
  control.addEventListener("change", () => {
    const lines = control.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const file = lines.length === 1 && /\.\w+:./.test(lines[0]);
    setKey(key, file ? lines[0] : lines.length ? lines : undefined);
  });
  return [control, () => fill(control, Array.isArray(value()) ? value().join("\n") : asText(value()))];
}

/** Four numbers for the place, for those who do not drag. */
function placeRow() {
  const names = ["x", "y", "width", "height"];
  const box = () => chosen() && boxOf(chosen().keys);
  const controls = names.map((name, n) => {
    const control = make("input", { type: "text", inputMode: "numeric", autocomplete: "off" });
    control.dataset.key = name;
    control.addEventListener("change", () => {
      const number = Math.round(Number(control.value));
      if (Number.isFinite(number) && control.value.trim()) putChosen(box().with(n, n < 2 ? number : Math.max(1, number)), "");
      else fill(control, String(box()[n]));
    });
    return control;
  });
  const words = make("p", { className: "wrong-words" });
  const labels = names.map((name, n) => make("label", {}, name, controls[n]));
  const node = make("div", {}, make("div", { className: "four" }, ...labels), words);
  return { node, update: () => {
    controls.forEach((control, n) => fill(control, String(box()[n])));
    words.textContent = mistakesAt("field", model.selected, "box").join("; ");
  } };
}

function cellsRow() {
  const wrong = () => mistakesAt("field", model.selected, "cells");
  if (!listed(chosen().keys)) {
    const control = make("input", { type: "text", inputMode: "numeric", autocomplete: "off", placeholder: "no comb" });
    control.addEventListener("change", () => setKey("cells", orNothing(control.value, asNumber)));
    return row("cells", "cells", control, () => fill(control, asText(chosen().keys.cells)), wrong, "even cells, for one digit each");
  }
  const even = button("Make even", () => change("", () => {
    const keys = chosen().keys;
    [keys.box, keys.cells] = [boxOf(keys), keys.cells.length > 1 ? keys.cells.length : undefined];
    if (keys.cells === undefined) delete keys.cells;
  }));
  return row("cells", `cells: ${chosen().keys.cells.length}, each its own`, even, () => {}, wrong, "one box in place of single cells");
}

/** A key that this page cannot edit, such as one misspelled. */
function otherRow(key) {
  const remove = button(`Remove ${key}`, () => setKey(key, undefined));
  return row(key, `${key} = ${asText(chosen()?.keys[key])}`, remove, () => {}, () => mistakesAt("field", model.selected, key));
}

// --- the selected field

/** The keys to show: those that go with the type, and those that are there. */
function keysOf(field) {
  const type = field.keys.type ?? WITHOUT.type;
  return Object.keys(LOOKS).filter((key) => {
    const { types } = model.known[key];
    if (key === "page") return model.sizes.length > 1 || key in field.keys;
    return !types || types.includes(type) || key in field.keys;
  });
}

/** Keys that the page has no control for: they can be taken away. */
function othersOf({ keys }) {
  const placed = { box: isBox(keys.box) && !listed(keys), cells: boxOf(keys) };
  return Object.keys(keys).filter((key) => !(key in LOOKS) && !placed[key]);
}

function drawField() {
  const field = chosen();
  const keys = field ? keysOf(field) : [];
  const others = field ? othersOf(field) : [];
  const cells = field && (listed(field.keys)?.length ?? "even");
  const structure = JSON.stringify([model.selected, keys, others, cells, field && !boxOf(field.keys)]);
  if (structure !== built) {
    built = structure;
    rows = field ? makeRows(field, keys, others) : [];
    keepFocus(section, () => section.replaceChildren(...(field ? frameOf(field) : [advice()])));
  }
  rows.forEach((one) => one.update());
}

function makeRows(field, keys, others) {
  const first = ["name", "type", "page"].filter((key) => keys.includes(key));
  const rest = keys.filter((key) => !first.includes(key));
  const place = boxOf(field.keys) ? [placeRow(), cellsRow()] : [];
  return [...first.map(keyRow), ...others.map(otherRow), ...place, ...rest.map(keyRow)];
}

function frameOf(field) {
  const buttons = [
    button("Copy", copyField, { title: "Ctrl+D" }), button("Delete", removeField),
    button("Earlier", () => shiftField(-1), { title: "its column comes before" }),
    button("Later", () => shiftField(1), { title: "its column comes after" }),
  ];
  if (!boxOf(field.keys)) buttons.unshift(button("Give it a place", giveplace));
  return [make("h2", { textContent: "Field" }), ...rows.map((one) => one.node), make("div", { className: "buttons" }, ...buttons)];
}

function giveplace() {
  const [wide, high] = model.sizes[model.page - 1].map((side) => Math.round(side / 10));
  change("", () => {
    delete chosen().keys.cells;
    chosen().keys.box = [wide, high, wide, Math.round(high / 4)];
  });
}

const advice = () => make("p", { className: "quiet", textContent: "Click a field to name it, drag on empty paper to draw one." });

/** Replace controls while somebody is in one: the focus goes to the new one for the same key. */
function keepFocus(place, replace) {
  const key = place.contains(document.activeElement) && document.activeElement.dataset.key;
  replace();
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

// --- the list

function drawList() {
  keepFocus(list, () => list.replaceChildren(...model.fields.map((field, index) => {
    const bad = mistakesAt("field", index).length;
    const name = make("span", { className: "name", textContent: (bad ? "⚠ " : "") + (nameOf(field) || "(no name)") });
    const page = model.sizes.length > 1 ? `, p. ${pageOf(field)}` : "";
    const kind = make("span", { className: "kind", textContent: `${field.keys.type ?? WITHOUT.type}${page}` });
    const entry = button("", () => select(index), { className: bad ? "bad" : "", "aria-current": String(index === model.selected), "data-key": index });
    entry.append(name, kind);
    return make("li", {}, entry);
  })));
  const unplaced = model.mistakes.filter(([path]) => path.length === 1 && path[0] !== "name");
  document.getElementById("unplaced").textContent = unplaced.map(([path, words]) => `${path[0]} ${words}`).join("; ");
  const current = list.querySelector('[aria-current="true"]');
  if (!current) return;
  const [top, bottom] = [current.offsetTop, current.offsetTop + current.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top;
  if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}

// --- sums

function choice(key, label, first, value, act) {
  const names = [...new Set([...model.fields.map(nameOf), value].filter(Boolean))];
  const options = [make("option", { value: "", textContent: first }), ...names.map((name) => make("option", { value: name, textContent: name }))];
  const control = make("select", { "aria-label": label, "data-key": key }, ...options);
  control.value = value ?? "";
  control.addEventListener("change", () => change("", () => act(control.value)));
  return control;
}

function drawRule({ keys }, index) {
  const sumOf = (rule) => (Array.isArray(rule.sum) ? rule.sum : []);
  const now = () => model.rules[index].keys; // which may have changed since this was drawn
  const chips = sumOf(keys).map((name, n) => make("li", {}, String(name),
    button("×", () => change("", () => { now().sum = sumOf(now()).toSpliced(n, 1); }), { "aria-label": `Take ${name} out of sum ${index + 1}` })));
  const add = choice(`add ${index}`, `Add a field to sum ${index + 1}`, "add a field…", "", (name) => { now().sum = [...sumOf(now()), name]; });
  const equals = choice(`equals ${index}`, `Field that has sum ${index + 1}`, "equals…", keys.equals, (name) => { now().equals = name; });
  const remove = button("Delete sum", () => change("", () => model.rules.splice(index, 1)), { "aria-label": `Delete sum ${index + 1}` });
  const words = mistakesAt("rule", index).map((text) => make("p", { className: "wrong-words", textContent: text }));
  return make("div", { className: "sum" }, make("ul", {}, ...chips), add, make("p", { className: "quiet", textContent: "equals" }), equals,
    ...words, make("div", { className: "buttons" }, remove));
}

function drawRules() {
  keepFocus(rules, () => rules.replaceChildren(...model.rules.map(drawRule)));
  if (!model.rules.length) rules.append(make("p", { className: "quiet", textContent: "Fields whose values add up to another." }));
}

// --- all of it

let formName = null;

function drawHead() {
  if (!formName) {
    const control = make("input", { type: "text", autocomplete: "off" });
    control.addEventListener("change", () => change("", () => { model.head.name = control.value.trim(); }));
    formName = row("form", "form's name", control, () => fill(control, asText(model.head.name)), () => mistakesAt("name"), "forms read together have different ones");
    head.append(formName.node);
  }
  formName.update();
}

/** Go to a key of the selected field. */
function editKey({ detail }) {
  draw();
  const control = section.querySelector(`[data-key="${CSS.escape(detail)}"]`);
  control?.focus();
  control?.select?.();
}

let waiting = 0, pressed = false;

function drawSoon() { waiting ||= requestAnimationFrame(() => { waiting = 0; if (!pressed) draw(); }); }

/** A button that is replaced between press and release is never clicked: what was to be drawn waits. */
function holdStill() {
  document.addEventListener("pointerdown", (event) => { pressed = Boolean(event.target.closest?.("aside button")); }, true);
  for (const name of ["click", "pointercancel", "pointerup"]) {
    document.addEventListener(name, () => setTimeout(() => { pressed = false; drawSoon(); }));
  }
}

function draw() {
  for (const part of [drawField, drawList, drawRules, drawHead]) part();
}

export function start() {
  // A control that was just left may be replaced only when the focus has arrived elsewhere.
  listen(drawSoon);
  holdStill();
  document.addEventListener("edit-key", editKey);
  document.getElementById("new-rule").addEventListener("click", () => change("", () => model.rules.push({ origin: null, keys: { sum: [], equals: "" } })));
  draw();
}
