// The reference with the fields on it: what is drawn, and what mouse and keys do there.

import {
  addField, chosen, copyField, listen, mistakesAt, model, nameOf, pageOf, putChosen, removeField, select, shown, sizeOf,
  undo,
} from "./model.js";
import { LEAST, between, boxOf, cellsOf, meet, moved, resized } from "./place.js";

const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const HANDLE = 10, GRASP = 8, LABEL = 12, SLACK = 4; // pixels of the screen
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const [desk, paper, scan, fields, handles, drawn] =
  ["desk", "paper", "scan", "fields", "handles", "drawn"].map((id) => document.getElementById(id));
let zoom = 1, mode = "wide", over = -1, drag = null, dragged = 0, page = 0, leaving = false;

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const rect = ([x, y, width, height], attributes) => svg("rect", { x, y, width, height, ...attributes });

// --- drawing

function draw() {
  const [width, height] = sizeOf();
  if (page !== model.page) {
    page = model.page;
    scan.setAttribute("href", `pages/${page}.png`);
  }
  for (const node of [paper, scan]) {
    node.setAttribute("width", node === paper ? width * zoom : width);
    node.setAttribute("height", node === paper ? height * zoom : height);
  }
  paper.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawFields();
  handles.replaceChildren(...(drag?.kind === "draw" ? [] : handlesOf(chosen())));
}

function drawFields() {
  const placed = shown().map((index) => ({ index, field: model.fields[index], box: boxOf(model.fields[index].keys) }));
  const there = placed.filter(({ box }) => box);
  const taken = there.map(({ box }) => box);
  // The selected one is drawn last, so that no other covers it.
  there.sort((one, two) => (one.index === model.selected) - (two.index === model.selected));
  const labels = new Map([...there].reverse().map((entry) => [entry.index, labelOf(entry, taken)]));
  fields.replaceChildren(...there.map((entry) => groupOf(entry, labels.get(entry.index))));
}

function groupOf({ index, field, box }, label) {
  const names = ["field", index === model.selected && "chosen", index === over && "over",
    mistakesAt("field", index).length && "bad"];
  const group = svg("g", { class: names.filter(Boolean).join(" "), "data-name": nameOf(field) });
  group.append(rect(box, { class: "box" }));
  group.append(...cellsOf(field.keys).map((cell) => rect(cell, { class: "cell" })));
  if (label) group.append(label);
  return group;
}

/** The name above its box; inside and shortened where it would cover another box or name there. */
function labelOf({ index, field, box }, taken) {
  const [size, letter] = [LABEL / zoom, (LABEL * 0.58) / zoom];
  const name = (mistakesAt("field", index).length ? "⚠ " : "") + nameOf(field);
  const bottom = box[1] - size * 0.35 - (index === model.selected ? HANDLE / 2 / zoom : 0);
  const above = [box[0], bottom - size, name.length * letter, size * 1.2];
  const free = above[1] > 0 && !taken.some((other) => other !== box && meet(above, other));
  const look = { class: "label", "font-size": size, "stroke-width": size / 4 };
  if (free || index === model.selected || index === over) {
    taken.push(above);
    return svg("text", { ...look, x: box[0], y: Math.max(bottom, size) }, name);
  }
  const room = Math.floor(box[2] / letter) - 1;
  if (room < 3 || box[3] < size) return null;
  return svg("text", { ...look, x: box[0] + size / 4, y: box[1] + size }, name.length > room ? `${name.slice(0, room - 1)}…` : name);
}

function corner([x, y, width, height], edges) {
  return [
    x + (edges.includes("w") ? 0 : edges.includes("e") ? width : width / 2),
    y + (edges.includes("n") ? 0 : edges.includes("s") ? height : height / 2),
  ];
}

function handlesOf(field) {
  const box = field && pageOf(field) === model.page && boxOf(field.keys);
  const side = HANDLE / zoom;
  return (box ? edgesOf(box) : []).map((edges) => {
    const [x, y] = corner(box, edges);
    return rect([x - side / 2, y - side / 2, side, side], { class: "handle", "data-edges": edges });
  });
}

/** The handles that a box has room for; those of the sides go first. */
function edgesOf([, , width, height]) {
  const room = (side) => side * zoom > 3 * HANDLE;
  return EDGES.filter((edges) => edges.length > 1 || room("ns".includes(edges) ? width : height));
}

// --- zoom

/** The middle of the selected field, in pixels of the desk; that of the desk where none is seen. */
function focus() {
  const box = chosen() && boxOf(chosen().keys), most = [desk.clientWidth, desk.clientHeight];
  const frame = paper.getBoundingClientRect(), own = desk.getBoundingClientRect();
  const start = [frame.left - own.left, frame.top - own.top];
  const found = box && [0, 1].map((n) => start[n] + (box[n] + box[n + 2] / 2) * zoom);
  return found?.every((side, n) => side >= 0 && side <= most[n]) ? found : most.map((side) => side / 2);
}

/** Show so many pixels for one of the reference; the point at `x`, `y` of the desk stays where it is. */
function setZoom(wanted, x, y) {
  if (x === undefined) [x, y] = focus();
  const inside = (client) => {
    const frame = paper.getBoundingClientRect(), own = desk.getBoundingClientRect();
    return [own.left + client[0] - frame.left, own.top + client[1] - frame.top];
  };
  const [before, held] = [zoom, inside([x, y])];
  zoom = Math.max(0.05, Math.min(wanted, 8));
  draw();
  const now = inside([x, y]);
  desk.scrollBy((held[0] * zoom) / before - now[0], (held[1] * zoom) / before - now[1]);
  document.getElementById("zoom").textContent = `${Math.round(zoom * 100)} %`;
  if (wanted > before) reveal();
}

function room() { return [desk.clientWidth - 26, desk.clientHeight - 26]; }

const zooms = {
  fit: () => Math.min(room()[0] / sizeOf()[0], room()[1] / sizeOf()[1]),
  wide: () => room()[0] / sizeOf()[0],
  full: () => 1,
};

function fit(wanted) {
  mode = wanted;
  if (mode) setZoom(zooms[mode]());
  for (const name in zooms) document.getElementById(name).setAttribute("aria-pressed", name === mode);
}

function zoomBy(factor, x, y) {
  fit("");
  setZoom(zoom * factor, x, y);
}

/** Scroll so that the selected field is seen. */
function reveal() {
  const box = chosen() && boxOf(chosen().keys);
  if (!box) return;
  const frame = paper.getBoundingClientRect(), own = desk.getBoundingClientRect();
  const by = [0, 1].map((side) => {
    const start = (side ? frame.top - own.top : frame.left - own.left) + box[side] * zoom;
    const length = Math.min(box[side + 2] * zoom, 200), most = side ? desk.clientHeight : desk.clientWidth;
    if (start < 40) return start - 40;
    return start + length > most - 40 ? start + length - most + 40 : 0;
  });
  if (by[0] || by[1]) desk.scrollBy(...by);
}

// --- mouse

function pointOf(event) {
  const frame = paper.getBoundingClientRect();
  return [(event.clientX - frame.left) / zoom, (event.clientY - frame.top) / zoom];
}

function handleAt(point) {
  const box = chosen() && pageOf(chosen()) === model.page && boxOf(chosen().keys);
  const near = (edges) => corner(box, edges).every((side, n) => Math.abs(side - point[n]) * zoom <= GRASP);
  return box ? edgesOf(box).find(near) : undefined;
}

/** The smallest field under a point, -1 if there is none. */
function fieldAt(point) {
  const hit = shown().filter((index) => {
    const box = boxOf(model.fields[index].keys);
    return box && [0, 1].every((n) => point[n] >= box[n] && point[n] <= box[n] + box[n + 2]);
  });
  const area = (index) => boxOf(model.fields[index].keys).slice(2).reduce((one, two) => one * two);
  return hit.length ? hit.reduce((one, two) => (area(two) < area(one) ? two : one)) : -1;
}

function press(event) {
  if (event.button !== 0) return;
  paper.focus({ preventScroll: true });
  paper.setPointerCapture(event.pointerId);
  event.preventDefault();
  const start = pointOf(event), edges = handleAt(start), index = fieldAt(start);
  dragged += 1;
  drag = { kind: edges ? "resize" : index >= 0 ? "move" : "draw", edges, start, moving: false };
  if (!edges) select(index);
  drag.from = chosen() && structuredClone(chosen().keys);
  drag.box = chosen() && boxOf(chosen().keys);
}

function move(event) {
  const point = pointOf(event);
  if (!drag) return hover(point);
  const by = [0, 1].map((n) => point[n] - drag.start[n]);
  if (!drag.moving && Math.hypot(...by) * zoom < SLACK) return;
  drag.moving = true;
  if (drag.kind === "move") putChosen(moved(drag.box, ...by, sizeOf()), `drag ${dragged}`, drag.from);
  if (drag.kind === "resize") putChosen(resized(drag.box, drag.edges, ...by, sizeOf()), `drag ${dragged}`, drag.from);
  if (drag.kind === "draw") showDrawn(between(drag.start, point, sizeOf()));
}

function showDrawn(box) {
  drawn.removeAttribute("hidden");
  ["x", "y", "width", "height"].forEach((name, n) => drawn.setAttribute(name, box[n]));
}

function hover(point) {
  const edges = handleAt(point), index = edges ? model.selected : fieldAt(point);
  const pair = { nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw", n: "ns", s: "ns", e: "ew", w: "ew" }[edges];
  paper.style.cursor = pair ? `${pair}-resize` : index >= 0 ? "move" : "crosshair";
  if (index !== over) {
    over = index;
    drawFields();
  }
}

function release(event) {
  const ended = drag;
  stop();
  if (ended?.kind !== "draw" || !ended.moving) return;
  const box = between(ended.start, pointOf(event), sizeOf());
  if (Math.min(box[2], box[3]) < LEAST) return;
  addField(box);
  document.dispatchEvent(new CustomEvent("edit-key", { detail: "name" }));
}

function stop() {
  drag = null;
  drawn.setAttribute("hidden", "");
}

// --- keys

function typed(event) {
  const direction = DIRECTIONS[event.key];
  if (event.altKey || event.metaKey) return;
  if (direction && chosen()) nudge(direction.map((step) => step * (event.shiftKey ? 10 : 1)), event.ctrlKey);
  else if (event.ctrlKey && event.key === "d") copyField();
  else if (event.ctrlKey) return;
  else if (event.key === "Tab") return step(event);
  else if (event.key === "Delete" || event.key === "Backspace") removeField();
  else if (event.key === "Escape") escape();
  else if (event.key === "Enter" && chosen()) document.dispatchEvent(new CustomEvent("edit-key", { detail: "name" }));
  else return;
  event.preventDefault();
}

function nudge(by, resizes) {
  const box = boxOf(chosen().keys);
  if (!box) return;
  const goal = resizes ? resized(box, "se", ...by, sizeOf()) : moved(box, ...by, sizeOf());
  putChosen(goal, `${resizes ? "resize" : "move"} ${model.selected}`);
  reveal();
}

/** Take back the drag; else select none, and let the next Tab leave the paper: nobody is kept in it. */
function escape() {
  if (drag?.moving && drag.kind !== "draw") undo();
  if (!drag) {
    select(-1);
    leaving = true;
  }
  stop();
}

/** Select the next field, over all pages; behind the last one Tab leaves the paper as usual. */
function step(event) {
  const order = [...model.fields.keys()].sort((one, two) => pageOf(model.fields[one]) - pageOf(model.fields[two]) || one - two);
  const first = event.shiftKey ? shown().at(-1) : shown()[0];
  const next = chosen() ? order[order.indexOf(model.selected) + (event.shiftKey ? -1 : 1)] : first;
  if (next === undefined || leaving) return;
  event.preventDefault();
  select(next);
}

export function start() {
  paper.addEventListener("pointerdown", press);
  paper.addEventListener("pointermove", move);
  paper.addEventListener("pointerup", release);
  paper.addEventListener("pointercancel", stop);
  paper.addEventListener("pointerleave", () => hover([-1, -1]));
  paper.addEventListener("keydown", typed);
  for (const name of ["focus", "pointerdown"]) paper.addEventListener(name, () => { leaving = false; });
  desk.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const own = desk.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 500), event.clientX - own.left, event.clientY - own.top);
  }, { passive: false });
  for (const name in zooms) document.getElementById(name).addEventListener("click", () => fit(name));
  document.getElementById("smaller").addEventListener("click", () => zoomBy(1 / 1.25));
  document.getElementById("larger").addEventListener("click", () => zoomBy(1.25));
  document.getElementById("new").addEventListener("click", addInView);
  new ResizeObserver(() => mode && fit(mode)).observe(desk);
  listen((what) => {
    if (page !== model.page && mode) fit(mode);
    draw();
    if (what === "select" && !drag) reveal();
  });
  fit("wide");
}

export const shortcuts = {
  "+": () => zoomBy(1.25), "-": () => zoomBy(1 / 1.25), 0: () => fit("fit"), w: () => fit("wide"), 1: () => fit("full"),
};

/** A new field in the middle of what is seen, for those who do not draw. */
function addInView() {
  const frame = paper.getBoundingClientRect(), own = desk.getBoundingClientRect();
  const middle = [own.left - frame.left + desk.clientWidth / 2, own.top - frame.top + desk.clientHeight / 2];
  const [wide, high] = sizeOf();
  const box = [0, 0, Math.min(wide, Math.round(120 / zoom)), Math.min(high, Math.round(40 / zoom))];
  addField(moved(box, middle[0] / zoom - box[2] / 2, middle[1] / zoom - box[3] / 2, sizeOf()));
  document.dispatchEvent(new CustomEvent("edit-key", { detail: "name" }));
}
