// Pareto chart of a run's dictionaries: unexplained variance against L0.

import { h, node, percent, short } from "../../web/dom.js";

const WIDE = 360, TALL = 160, LEFT = 46, FLOOR = 132, RIGHT = 348, TOP = 14, LETTER = 5.2;
const SIDES = [[7, 3, "start"], [-7, 3, "end"], [0, -8, "middle"], [0, 14, "middle"], [3, 17, "start"], [3, -11, "start"], [-3, 17, "end"], [-3, -11, "end"]];

/** Points, with the front of those that no other beats on both; null where fewer than two are measured. */
export function pareto(run) {
  const points = run.dictionaries.filter(({ figures }) => figures.fvu !== undefined && figures.l0 !== undefined)
    .map(({ entry, figures }) => ({ title: entry.title, x: figures.l0, y: figures.fvu, hue: entry.parts ? "high" : "plain" }));
  if (points.length < 2) return null;
  const svg = node("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "histogram pareto", role: "img", "aria-label": "Unexplained variance against L0" });
  const xs = range(points.map((p) => p.x)), ys = range(points.map((p) => p.y));
  const x = (value) => LEFT + ((value - xs[0]) / (xs[1] - xs[0])) * (RIGHT - LEFT), y = (value) => FLOOR - ((value - ys[0]) / (ys[1] - ys[0])) * (FLOOR - TOP);
  svg.append(node("path", { class: "axis", d: `M${LEFT} ${TOP - 6}V${FLOOR}H${RIGHT + 6}` }));
  for (const at of xs) svg.append(node("text", { x: x(at), y: FLOOR + 13, "text-anchor": "middle" }, short(at)));
  for (const at of ys) svg.append(node("text", { x: LEFT - 5, y: y(at) + 3, "text-anchor": "end" }, percent(at)));
  svg.append(node("text", { x: (LEFT + RIGHT) / 2, y: TALL - 4, "text-anchor": "middle" }, "L0: active latents a step"));
  const front = points.filter((p) => !points.some((q) => q !== p && q.x <= p.x && q.y <= p.y && (q.x < p.x || q.y < p.y))).sort((a, b) => a.x - b.x);
  if (front.length > 1) svg.append(node("polyline", { class: "front", points: front.map((p) => `${x(p.x)},${y(p.y)}`).join(" ") }));
  const taken = points.map((p) => [x(p.x) - 5, y(p.y) - 5, x(p.x) + 5, y(p.y) + 5]);
  for (const point of points) {
    const at = [x(point.x), y(point.y)], room = SIDES.map((side) => [side, box(point.title, at, side)]);
    const [[dx, dy, anchor], wanted] = room.find(([, each]) => each[0] > LEFT && each[2] < WIDE && !taken.some((other) => meet(each, other))) ?? room[0];
    taken.push(wanted);
    const dot = node("circle", { cx: at[0], cy: at[1], r: 4, fill: `var(--${point.hue})` });
    dot.append(node("title", {}, `${point.title}: ${percent(point.y)} unexplained with ${short(point.x)} active`));
    svg.append(dot, node("text", { x: at[0] + dx, y: at[1] + dy, "text-anchor": anchor, class: "named" }, point.title));
  }
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, `Unexplained variance against L0${front.length > 1 ? "; dashes join the Pareto front" : ""}`)), svg);
}

const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** Where a name of about that length would be written on one side of its point. */
function box(name, [x, y], [dx, dy, anchor]) {
  const wide = name.length * LETTER, left = x + dx - { start: 0, middle: wide / 2, end: wide }[anchor];
  return [left, y + dy - 8, left + wide, y + dy + 2];
}

/** With a margin, so that no point lies on an axis. */
function range(values) {
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.25 || Math.abs(high) * 0.1 || 1;
  return [Math.max(0, low - room), high + room];
}
