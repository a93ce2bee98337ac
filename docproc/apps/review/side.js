// What stands around the field: the lines one may work on, the part of a line that is wanted, and how far it is.

import { make } from "./item.js";

const byId = (id) => document.getElementById(id);
const TITLES = { review: "Review", first: "First keying", second: "Second keying", third: "Third look", audit: "Audit", grid: "Grid" };
const looks = [];
let last = 0;

/** Show the lines that have anything to do, and the one that is worked on. */
export function drawLines(lines, chosen, choose) {
  const shown = lines.filter((line) => line.total || line.purpose === "review");
  const buttons = shown.map((line) => {
    const count = line.left === null ? "" : make("small", { textContent: line.left.toLocaleString("en") });
    const button = make("button", { onclick: () => choose(line.purpose) }, TITLES[line.purpose], count);
    button.setAttribute("aria-pressed", String(line.purpose === chosen));
    button.dataset.purpose = line.purpose;
    return button;
  });
  byId("lines").replaceChildren(...buttons);
}

/** Show how far a line is, and what there is to choose from. */
export function drawProgress(progress) {
  const share = progress.total ? (100 * (progress.total - progress.left)) / progress.total : 100;
  byId("bar").firstElementChild.style.width = `${share}%`;
  byId("bar").setAttribute("aria-valuenow", String(Math.round(share)));
  const seconds = measurePace() ?? progress.seconds;
  const parts = [`${(progress.total - progress.left).toLocaleString("en")} done`, `${progress.left.toLocaleString("en")} left`];
  if (seconds) parts.push(`${seconds.toFixed(1)} s each`, sayTime(progress.left * seconds));
  byId("pace").textContent = parts.join(" · ");
  drawSelect(byId("by-reason"), progress.reasons);
  drawSelect(byId("by-field"), progress.fields);
}

function sayTime(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s to go` : `${Math.round(seconds / 60)} min to go`;
}

function drawSelect(select, ticks) {
  if (document.activeElement === select) return; // not under somebody's hand
  const chosen = select.value;
  const options = ticks.map((tick) => make("option", { value: tick.name, textContent: `${tick.words} (${tick.left.toLocaleString("en")})` }));
  select.replaceChildren(make("option", { value: "", textContent: "all" }), ...options);
  select.value = ticks.some((tick) => tick.name === chosen) ? chosen : "";
}

/** Which part of a line is wanted, and in which order. */
export function readWanted() {
  return { reason: byId("by-reason").value, field: byId("by-field").value, source: "", order: byId("by-order").value };
}

/** Note that a field was answered; more than a minute is a break. */
export function notePace() {
  const now = performance.now();
  if (last && now - last < 60_000) looks.push((now - last) / 1000);
  last = now;
}

/** The median of the seconds between two answers in this session; null before there are five. */
export function measurePace() {
  const sorted = [...looks].sort((a, b) => a - b);
  return sorted.length < 5 ? null : sorted[Math.floor(sorted.length / 2)];
}
