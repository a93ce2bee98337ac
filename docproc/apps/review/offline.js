// The review page without a server: all that is asked is answered from what lies in the page, and kept in the browser.

const pile = JSON.parse(document.getElementById("pile").textContent);
const KEY = `docproc ${pile.ledger} ${pile.made}`;
const known = new Map(pile.items.map((item) => [item.id, item]));
const state = { who: "", said: [], ...recall() };

/** Show words about something that went wrong, or none. */
export function trouble(words = "") {
  const place = document.getElementById("trouble");
  place.textContent = words;
  place.hidden = !words;
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep() {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    trouble("This browser keeps nothing of this page: save the corrections before you close it.");
  }
  document.getElementById("save").classList.toggle("first", state.said.length > 0);
}

const ACTS = {
  "ask/start": () => ({ who: state.who, suggested: "", title: pile.title, lines: lines() }),
  "ask/take": (body) => fetchItems(body),
  "ask/answer": answer,
  "ask/undo": takeBack,
  "ask/step": step,
  "ask/keep": () => ({ lines: lines() }),
  "ask/leave": () => ({}),
  who: ({ who }) => {
    state.who = who.trim();
    keep();
    return state.who ? { who: state.who } : { failure: "give your name" };
  },
};

/** Ask the page itself; told as a server would tell. */
export async function ask(name, body = {}) {
  return { status: 200, ...(ACTS[name]?.(body) ?? {}) };
}

export function tellLast() {
  keep();
}

const answered = () => new Set(state.said.map((row) => row.item));

function lines() {
  return [{ purpose: "review", total: pile.items.length, left: pile.items.length - answered().size }];
}

const takes = ({ reason, field }) => (item) => (!field || item.field === field) && (!reason || item.reasons.some((one) => one.look && one.code === reason));

function inOrder(body) {
  const items = pile.items.filter(takes(body));
  return body.order === "doubtful" ? [...items].sort((a, b) => a.sure - b.sure) : items;
}

function fetchItems(body) {
  const line = inOrder(body);
  const done = answered();
  const start = line.findIndex((item) => item.id === body.after) + 1;
  const next = [...line.slice(start), ...line.slice(0, start)].filter((item) => !done.has(item.id));
  return { items: next.slice(0, body.count).map(shown), progress: measure(line, done) };
}

/** A field with what was said of it here. */
function shown(item) {
  const said = state.said.find((row) => row.item === item.id);
  return said ? { ...item, answer: { status: said.status, text: said.text }, by: "You" } : item;
}

function measure(line, done) {
  const left = line.filter((item) => !done.has(item.id)).length;
  const looks = pile.items.flatMap((item) => item.reasons.filter((one) => one.look).map((one) => ({ item, name: one.code, words: one.meaning })));
  const fields = pile.items.map((item) => ({ item, name: item.field, words: item.field }));
  return { total: line.length, left, seconds: null, minutes: null, reasons: count(looks, done), fields: count(fields, done) };
}

function count(named, done) {
  const ticks = new Map();
  for (const { item, name, words } of named) {
    const tick = ticks.get(name) ?? { name, words, total: 0, left: 0 };
    tick.total += 1;
    if (!done.has(item.id)) tick.left += 1;
    ticks.set(name, tick);
  }
  return [...ticks.values()].sort((a, b) => b.left - a.left);
}

function answer(body) {
  const row = { item: body.item, version: known.get(body.item).version, status: body.status, text: body.text, at: new Date().toISOString() };
  state.said = [...state.said.filter((other) => other.item !== row.item), row];
  keep();
  return { correction: row.item, ...fetchItems(body) };
}

function takeBack(body) {
  state.said = state.said.filter((row) => row.item !== body.correction);
  keep();
  return { item: known.get(body.correction), progress: fetchItems(body).progress };
}

function step(body) {
  const line = inOrder(body);
  const at = line.findIndex((item) => item.id === body.item) + (body.to === "before" ? -1 : 1);
  return { item: line[at] ? shown(line[at]) : null };
}

/** The picture of a field, which lies in the page. */
export function loadStrip(item) {
  const picture = new Image();
  picture.src = known.get(item.id).picture;
  return picture;
}

export async function loadAround() {
  return { failure: "only the pictures of the fields are in this file." };
}

/** Save what was said as a file, to be merged where the results are. */
function save() {
  const told = { format: "docproc-corrections-1", ledger: pile.ledger, who: state.who, said: state.said };
  const link = document.createElement("a");
  link.href = `data:application/json,${encodeURIComponent(JSON.stringify(told, null, 1))}`;
  link.download = `${pile.title} ${state.who}.corrections.json`;
  link.click();
}

document.getElementById("save").addEventListener("click", save);
