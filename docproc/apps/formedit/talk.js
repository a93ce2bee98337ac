// What is asked of the server. The address of the page holds the token, and all else is relative to it.

import { load, mark, model, setSaved, tellAll, toSend } from "./model.js";

const CHECK_MS = 150;

let base = "", seen = "", timer = 0, asked = 0;

/** Show words about something that went wrong, or none. */
export function trouble(words = "") {
  const place = document.getElementById("trouble");
  place.textContent = words;
  place.hidden = !words;
}

async function ask(name, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const reply = await fetch(name, options);
    const text = await reply.text();
    const told = reply.headers.get("Content-Type") === "application/json" ? JSON.parse(text) : { failure: text };
    trouble(told.failure);
    return told;
  } catch {
    trouble("docproc does not answer: it was ended. What you changed since the last save is only in this page.");
    return {};
  }
}

/** Fetch the form; false if there is none to show. */
export async function fetchForm() {
  const told = await ask("form");
  if (!told.tables) return null;
  base = seen = told.seen;
  load(told);
  return told.path;
}

/** Have the form checked, once it rests for a moment. */
export function checkSoon() {
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_MS);
}

async function check() {
  const number = ++asked;
  const told = await ask("check", { ...toSend(), base, seen });
  if (told.mistakes && number === asked) setMistakes(told.mistakes);
}

function setMistakes(mistakes) {
  model.mistakes = mistakes;
  tellAll("mistakes");
}

/** Save the form: true if it is on disk, else the page shows why not. */
export async function save(overwrite = false) {
  const state = mark();
  const told = await ask("save", { ...toSend(), base, seen, overwrite });
  if (told.conflict) return resolve(told.conflict);
  if (told.mistakes) {
    asked += 1; // an older check would come too late
    setMistakes(told.mistakes);
    return false;
  }
  if (!told.seen) return false;
  seen = told.seen;
  setSaved(state);
  setMistakes([]);
  return told.path;
}

/** Ask what shall become of a file that changed meanwhile. */
async function resolve(words) {
  const dialog = document.getElementById("conflict");
  document.getElementById("conflict-words").textContent = `The file ${words} since this page read it.`;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
  if (dialog.returnValue === "overwrite") return save(true);
  if (dialog.returnValue === "reload") {
    setSaved(mark());
    location.reload();
  }
  return false;
}

export const end = () => ask("close", {});
