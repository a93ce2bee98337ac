// Where a field is: its box and cells, in pixels of the reference. Nothing here knows the page.

export const LEAST = 4;

/** Whether a value is a box; what the file says may be anything. */
export function isBox(value) {
  return Array.isArray(value) && value.length === 4 && value.every(Number.isFinite);
}

/** The cells of a field that are listed one by one, null if they are not. */
export function listed(keys) {
  return Array.isArray(keys.cells) && keys.cells.length > 0 && keys.cells.every(isBox) ? keys.cells : null;
}

/** The box of a field, or around its cells; null if it has no place. */
export function boxOf(keys) {
  const cells = listed(keys);
  if (!cells) return isBox(keys.box) ? keys.box : null;
  const [x, y] = [0, 1].map((side) => Math.min(...cells.map((cell) => cell[side])));
  const [right, bottom] = [0, 1].map((side) => Math.max(...cells.map((cell) => cell[side] + cell[side + 2])));
  return [x, y, right - x, bottom - y];
}

/** The cells of a field, none if it is no comb. */
export function cellsOf(keys) {
  if (listed(keys)) return listed(keys);
  if (!isBox(keys.box) || !(keys.cells > 1 && keys.cells <= 100)) return [];
  const [x, y, width, height] = keys.box;
  return Array.from({ length: Math.floor(keys.cells) }, (_, n) => [x + (n * width) / keys.cells, y, width / keys.cells, height]);
}

/** Put a field there; listed cells move and scale along, and those that touch go on touching.
 * `from` is what it was before a drag: scaled step by step, cells would drift. */
export function putAt(keys, box, from = keys) {
  const [before, cells] = [boxOf(from), listed(from)];
  if (!cells) keys.box = box;
  else keys.cells = cells.map((cell) => scaled(cell, before, box));
}

function scaled(cell, from, to) {
  const edges = [0, 1].map((side) =>
    [cell[side], cell[side] + cell[side + 2]].map((edge) =>
      Math.round(to[side] + ((edge - from[side]) * to[side + 2]) / from[side + 2])));
  return [edges[0][0], edges[1][0], Math.max(1, edges[0][1] - edges[0][0]), Math.max(1, edges[1][1] - edges[1][0])];
}

/** A box moved, but not out of the page. */
export function moved([x, y, width, height], right, down, [wide, high]) {
  const within = (value, most) => Math.max(0, Math.min(Math.round(value), most));
  return [within(x + right, wide - width), within(y + down, high - height), width, height];
}

/** A box of which some edges are moved: `edges` is any of "nsew". */
export function resized([x, y, width, height], edges, right, down, [wide, high]) {
  let [left, top, east, south] = [x, y, x + width, y + height];
  if (edges.includes("w")) left = Math.max(0, Math.min(left + right, east - LEAST));
  if (edges.includes("e")) east = Math.min(wide, Math.max(east + right, left + LEAST));
  if (edges.includes("n")) top = Math.max(0, Math.min(top + down, south - LEAST));
  if (edges.includes("s")) south = Math.min(high, Math.max(south + down, top + LEAST));
  return [left, top, east - left, south - top].map(Math.round);
}

/** The box between two corners, within the page. */
export function between(one, two, size) {
  const [left, right] = [one[0], two[0]].sort((a, b) => a - b).map((x) => Math.max(0, Math.min(Math.round(x), size[0])));
  const [top, bottom] = [one[1], two[1]].sort((a, b) => a - b).map((y) => Math.max(0, Math.min(Math.round(y), size[1])));
  return [left, top, right - left, bottom - top];
}

/** Whether two boxes have a point in common. */
export function meet(one, two) {
  return [0, 1].every((side) => one[side] < two[side] + two[side + 2] && two[side] < one[side] + one[side + 2]);
}
