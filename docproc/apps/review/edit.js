// The value as it is being keyed: letters, a cursor on one of them or behind the last, or a word in their stead.

const GAP = " ";
export const value = { status: "value", letters: [], cursor: 0, was: null, touched: false };

/** Begin with what was read, the cursor on the digit that is least sure; with nothing where it must be keyed blind. */
export function begin(read, digits) {
  value.was = read;
  value.status = read?.status === "blank" || read?.status === "unreadable" ? read.status : "value";
  value.letters = value.status === "value" && read ? [...read.text] : [];
  const placed = digits.filter((digit) => digit.place !== null);
  const least = placed.reduce((worst, digit) => (worst && worst.chance <= digit.chance ? worst : digit), null);
  value.cursor = least ? least.place : 0;
  value.touched = false;
}

/** Show again what was keyed and could not be kept. */
export function rekey(answer) {
  Object.assign(value, { status: answer.status, letters: [...answer.text], cursor: answer.text.length, touched: true });
}

/** Put a letter at the cursor in the place of the one there, and move on. */
export function type(letter) {
  if (value.status !== "value") reset();
  value.letters[value.cursor] = letter;
  value.cursor += 1;
  value.touched = true;
}

export function move(by) {
  if (value.status === "value") value.cursor = Math.min(Math.max(value.cursor + by, 0), value.letters.length);
}

export function moveTo(place) {
  value.cursor = Math.min(Math.max(place, 0), value.letters.length);
}

/** Take out the letter before the cursor, or the one at it. */
export function remove(before) {
  if (value.status !== "value") return reset();
  const at = value.cursor - (before ? 1 : 0);
  if (at < 0 || at >= value.letters.length) return;
  value.letters.splice(at, 1);
  value.cursor = at;
  value.touched = true;
}

/** Open a gap at the cursor, for a digit that is missing. */
export function insert() {
  if (value.status !== "value") return reset();
  value.letters.splice(value.cursor, 0, GAP);
  value.touched = true;
}

/** Throw all letters away. */
export function reset() {
  Object.assign(value, { status: "value", letters: [], cursor: 0, touched: true });
}

/** Go back to what was read. */
export function restore(digits) {
  begin(value.was, digits);
}

/** What the value says: null as long as nothing was keyed. */
export function toAnswer() {
  if (value.status !== "value") return { status: value.status, text: "" };
  const text = value.letters.filter((letter) => letter !== GAP).join("");
  return text ? { status: "value", text } : null;
}
