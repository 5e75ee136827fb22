// Places of names beside the points of a chart.

const LETTER = 6.8; // mean width in pixels at the charts' font size
const LINE = 16; // height of a name in pixels
const GAP = 8; // from the centre of a point to its name

/** @typedef {"top center" | "bottom center" | "middle right" | "middle left"} Place */
/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */

/** @type {Place[]} */
const PLACES = ["top center", "bottom center", "middle right", "middle left"];

/**
 * Of each point, the place of its name that covers least of the names before it, of all points, and
 * of what lies outside the chart; above the point where several places are equal.
 * @param {{title: string, x: number, y: number}[]} points in pixels, y downwards
 * @param {number} width of the chart in pixels
 * @returns {Place[]}
 */
export function namePlaces(points, width) {
  const dots = points.map(({ x, y }) => box(x - 5, x + 5, y - 5, y + 5));
  /** @type {Box[]} */
  const names = [];
  return points.map((point, i) => {
    const others = dots.filter((_, other) => other !== i);
    const boxes = PLACES.map((place) => nameBox(point, place));
    const costs = boxes.map(
      (name) =>
        outside(name, width) + [...names, ...others].reduce((sum, b) => sum + overlap(name, b), 0),
    );
    const best = costs.indexOf(Math.min(...costs));
    names.push(boxes[best]);
    return PLACES[best];
  });
}

/**
 * @param {{title: string, x: number, y: number}} point
 * @param {Place} place
 */
function nameBox({ title, x, y }, place) {
  const long = title.length * LETTER;
  const half = LINE / 2;
  if (place === "middle right") return box(x + GAP, x + GAP + long, y - half, y + half);
  if (place === "middle left") return box(x - GAP - long, x - GAP, y - half, y + half);
  const top = place === "top center" ? y - GAP - LINE : y + GAP;
  return box(x - long / 2, x + long / 2, top, top + LINE);
}

/**
 * @param {number} left
 * @param {number} right
 * @param {number} top
 * @param {number} bottom
 * @returns {Box}
 */
const box = (left, right, top, bottom) => ({ left, right, top, bottom });

/**
 * The area of which two boxes share.
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, wide) * Math.max(0, high);
}

/**
 * The area of a box beyond the sides of the chart.
 * @param {Box} a
 * @param {number} width
 */
function outside(a, width) {
  return LINE * (Math.max(0, -a.left) + Math.max(0, a.right - width));
}
