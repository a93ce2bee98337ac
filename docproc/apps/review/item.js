// One field on the screen: its picture with the digits marked, its value below them, and why to look.

import { value } from "./edit.js";

const byId = (id) => document.getElementById(id);
const SURE = 0.98; // a digit below this is marked
const NARROWEST = 26; // pixels between two digits that stand below their ink
export const LETTERS = ["A", "S", "D", "F", "G", "H"];

/** An element with properties, and children in it. */
export function make(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** An answer in a word. */
export function sayAnswer(answer) {
  return !answer ? "nothing yet" : answer.status === "value" ? answer.text : answer.status;
}

/** A chance in per cent that is never rounded to certainty. */
export function sayChance(chance) {
  return chance > 0.995 ? "> 99 %" : chance < 0.01 ? "< 1 %" : `${Math.round(100 * chance)} %`;
}

/** Show a field and its picture. */
export function drawItem(item, picture) {
  byId("name").textContent = /^[0-9]/.test(item.field) ? `Field ${item.field}` : item.field;
  const form = item.form ? `, form ${item.form}` : "";
  byId("place").textContent = `${item.source}, page ${item.page}${form}`;
  byId("place").title = item.others.length ? `the same bytes lie at ${item.others.join(", ")}` : "";
  drawNotice(item);
  drawReasons(item);
  drawChoices(item);
  drawStrip(item, picture);
  drawValue(item);
}

function drawNotice(item) {
  const last = item.said.find((row) => !row.undone);
  const words = item.answer
    ? `${item.by || "Somebody"} said ${sayAnswer(item.answer)}; another answer takes its place.`
    : last ? `${last.who} keyed this before; key what you see.` : "";
  byId("notice").textContent = words;
  byId("notice").hidden = !words;
}

function drawReasons(item) {
  const blind = { audit: "Key what you see: what was read is not shown.", second: "Key what you see: the first value is not shown.", first: "Key what you see." };
  const rows = item.reasons.map((reason) => {
    const detail = reason.detail ? make("b", { textContent: ` – ${reason.detail}` }) : "";
    const remedy = make("small", { textContent: reason.remedy });
    return make("li", { className: reason.look ? "look" : "" }, reason.meaning, detail, remedy);
  });
  if (blind[item.purpose]) rows.push(make("li", { textContent: blind[item.purpose] }));
  byId("reasons").replaceChildren(...rows);
}

function drawChoices(item) {
  const buttons = item.choices.map((choice, number) => {
    const note = choice.note || (choice.chance === null ? "" : sayChance(choice.chance));
    const button = make("button", {}, make("kbd", { textContent: LETTERS[number] }), make("b", { textContent: sayAnswer(choice) }), make("small", { textContent: note }));
    button.dataset.choice = number;
    return button;
  });
  byId("choices").replaceChildren(...buttons);
}

function drawStrip(item, picture) {
  const place = byId("strip");
  if (!item.strip) {
    place.replaceChildren(make("p", { className: "none", textContent: "No picture of this field is kept." }));
    return;
  }
  picture.alt = `Picture of ${item.field}`;
  const marks = item.digits.map((digit, number) => {
    const [x, y, width, height] = digit.box;
    const mark = make("i", { className: digit.chance < SURE ? "digit doubtful" : "digit" });
    mark.dataset.number = number;
    setPlace(mark, x / item.strip.width, y / item.strip.height, width / item.strip.width, height / item.strip.height);
    return mark;
  });
  const frame = make("div", { className: "paper" }, picture, ...marks);
  frame.style.setProperty("--ratio", item.strip.width / item.strip.height);
  frame.style.setProperty("--width", item.strip.width); // a speck is not blown up to the whole screen
  place.replaceChildren(frame);
}

function setPlace(node, left, top, width, height) {
  for (const [name, share] of Object.entries({ left, top, width, height })) node.style[name] = `${100 * share}%`;
}

/** Show the value, each digit below its ink where there is room. */
export function drawValue(item) {
  const place = byId("value");
  place.dataset.status = value.status;
  for (const mark of document.querySelectorAll("#strip .digit")) {
    const digit = item.digits[mark.dataset.number];
    mark.classList.toggle("at", value.status === "value" && digit.place === value.cursor);
  }
  if (value.status !== "value") {
    place.replaceChildren(make("span", { className: "word", textContent: value.status }));
    return;
  }
  const centers = findCenters(item);
  const cells = [...value.letters, ""].map((letter, number) => drawCell(item, letter, number));
  place.replaceChildren(...cells);
  place.classList.toggle("laid", centers !== null);
  if (centers) cells.forEach((cell, number) => { cell.style.left = `${centers[number]}px`; });
}

function drawCell(item, letter, number) {
  const end = number === value.letters.length;
  const digit = value.touched ? null : item.digits.find((known) => known.place === number);
  const cell = make("span", { className: "cell", textContent: letter.trim() });
  cell.classList.toggle("end", end);
  cell.classList.toggle("at", number === value.cursor);
  cell.classList.toggle("doubtful", Boolean(digit && digit.chance < SURE));
  cell.dataset.number = number;
  if (digit) cell.title = [[digit.text, digit.chance], ...digit.others].map(([name, chance]) => `${name === "none" ? "no digit" : name} ${sayChance(chance)}`).join(", ");
  return cell;
}

/** Where each letter stands so that digits lie below their ink; null where they would be too close, or were moved. */
function findCenters(item) {
  const picture = document.querySelector("#strip .paper")?.getBoundingClientRect();
  const placed = new Map(item.digits.filter((digit) => digit.place !== null).map((digit) => [digit.place, digit.box]));
  const read = item.value?.status === "value" ? [...item.value.text] : [];
  if (!picture?.width || !placed.size || value.letters.length !== read.length) return null;
  const left = picture.left - byId("value").getBoundingClientRect().left;
  const centers = read.map((_, number) => {
    const box = placed.get(number);
    return box ? left + ((box[0] + box[2] / 2) * picture.width) / item.strip.width : null;
  });
  for (let number = 0; number < centers.length; number += 1) {
    if (centers[number] !== null) continue;
    const next = centers.slice(number + 1).find((center) => center !== null);
    if (!number || next === undefined) return null;
    centers[number] = (centers[number - 1] + next) / 2;
  }
  const gaps = centers.slice(1).map((center, number) => center - centers[number]);
  if (gaps.some((gap) => gap < NARROWEST)) return null;
  return [...centers, centers.at(-1) + Math.max(NARROWEST, Math.min(...gaps, 48))];
}

/** Say the field to those who do not see it. */
export function speakItem(item) {
  const shown = item.keyed ?? item.value;
  const read = shown ? ` ${item.keyed ? "Keyed" : "Read"} as ${sayAnswer(shown).split("").join(" ")}.` : "";
  const why = item.reasons.filter((reason) => reason.look).map((reason) => `${reason.meaning}${reason.detail ? `, ${reason.detail}` : ""}`);
  byId("spoken").textContent = `${item.field}, page ${item.page}.${read} ${why.join("; ")}`;
}
