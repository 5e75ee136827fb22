// All dictionaries of a run in one chart: unexplained variance against active features.

import { h, node, percent, short } from "../../web/dom.js";

const WIDTH = 360;
const HEIGHT = 160;
const LEFT = 46;
const RIGHT = 348;
const TOP = 14;
const FLOOR = 132;
const LETTER = 5.2; // mean width of a letter of a name

/** @typedef {[left: number, top: number, right: number, bottom: number]} Box */
/** @typedef {readonly [dx: number, dy: number, anchor: "start" | "middle" | "end"]} Side */

/** Places of a name beside its point, the best first. @type {Side[]} */
const SIDES = [
  [7, 3, "start"],
  [-7, 3, "end"],
  [0, -8, "middle"],
  [0, 14, "middle"],
  [3, 17, "start"],
  [3, -11, "start"],
  [-3, 17, "end"],
  [-3, -11, "end"],
];

/**
 * The chart, its Pareto front joined by dashes; null where fewer than two dictionaries are measured.
 * @param {Api.Overview} run
 */
export function pareto(run) {
  const points = run.dictionaries.flatMap(({ entry, figures: { fvu, l0 } }) => {
    if (fvu === undefined || l0 === undefined) return [];
    return [{ title: entry.title, x: l0, y: fvu, hue: entry.parts ? "high" : "plain" }];
  });
  if (points.length < 2) return null;
  const title = "Unexplained variance against L0";
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "histogram pareto",
    role: "img",
    "aria-label": title,
  });
  const xs = range(points.map((point) => point.x));
  const ys = range(points.map((point) => point.y));
  const x = (/** @type {number} */ value) =>
    LEFT + ((value - xs[0]) / (xs[1] - xs[0])) * (RIGHT - LEFT);
  const y = (/** @type {number} */ value) =>
    FLOOR - ((value - ys[0]) / (ys[1] - ys[0])) * (FLOOR - TOP);
  svg.append(node("path", { class: "axis", d: `M${LEFT} ${TOP - 6}V${FLOOR}H${RIGHT + 6}` }));
  for (const value of xs) {
    const place = { x: x(value), y: FLOOR + 13, "text-anchor": "middle" };
    svg.append(node("text", place, short(value)));
  }
  for (const value of ys) {
    const place = { x: LEFT - 5, y: y(value) + 3, "text-anchor": "end" };
    svg.append(node("text", place, percent(value)));
  }
  const middle = { x: (LEFT + RIGHT) / 2, y: HEIGHT - 4, "text-anchor": "middle" };
  svg.append(node("text", middle, "L0: active latents a step"));
  const front = paretoFront(points);
  if (front.length > 1) {
    const path = front.map((point) => `${x(point.x)},${y(point.y)}`).join(" ");
    svg.append(node("polyline", { class: "front", points: path }));
  }
  /** @type {Box[]} */
  const taken = points.map((point) => [
    x(point.x) - 5,
    y(point.y) - 5,
    x(point.x) + 5,
    y(point.y) + 5,
  ]);
  for (const point of points) {
    const [cx, cy] = [x(point.x), y(point.y)];
    const [dx, dy, anchor] = freeSide(point.title, cx, cy, taken);
    taken.push(nameBox(point.title, cx, cy, [dx, dy, anchor]));
    const dot = node("circle", { cx, cy, r: 4, fill: `var(--${point.hue})` });
    const facts = `${percent(point.y)} unexplained with ${short(point.x)} active`;
    dot.append(node("title", {}, `${point.title}: ${facts}`));
    const place = { x: cx + dx, y: cy + dy, "text-anchor": anchor, class: "named" };
    svg.append(dot, node("text", place, point.title));
  }
  const note = front.length > 1 ? "; dashes join the Pareto front" : "";
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, `${title}${note}`)), svg);
}

/**
 * Points that no other one equals or beats on both axes, from left to right.
 * @template {{x: number, y: number}} Point
 * @param {Point[]} points
 */
export function paretoFront(points) {
  const beats = (/** @type {Point} */ q, /** @type {Point} */ p) =>
    q.x <= p.x && q.y <= p.y && (q.x < p.x || q.y < p.y);
  return points.filter((p) => !points.some((q) => beats(q, p))).sort((a, b) => a.x - b.x);
}

/**
 * The first side on which a name lies in the chart and meets no box; else the first of all.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {Box[]} taken
 */
function freeSide(name, x, y, taken) {
  const free = SIDES.find((side) => {
    const box = nameBox(name, x, y, side);
    return box[0] > LEFT && box[2] < WIDTH && !taken.some((other) => overlap(box, other));
  });
  return free ?? SIDES[0];
}

/**
 * @param {Box} a
 * @param {Box} b
 */
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/**
 * About the box of a name beside its point.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {Side} side
 * @returns {Box}
 */
function nameBox(name, x, y, [dx, dy, anchor]) {
  const width = name.length * LETTER;
  const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
  return [left, y + dy - 8, left + width, y + dy + 2];
}

/**
 * Least and greatest value with a margin, so that no point lies on an axis.
 * @param {number[]} values
 */
function range(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * 0.25 || Math.abs(high) * 0.1 || 1;
  return [Math.max(0, low - room), high + room];
}
