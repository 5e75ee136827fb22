// All dictionaries of a run in one picture: variance left unexplained against features at a time.

import { h, node, percent, short } from "./dom.js";

const WIDE = 360, TALL = 160, LEFT = 46, FLOOR = 132, RIGHT = 348, TOP = 14;

/** Points, with the front of those that no other beats on both; null where fewer than two are measured. */
export function pareto(run) {
  const points = run.dictionaries.filter(({ figures }) => figures.fvu !== undefined && figures.l0 !== undefined)
    .map(({ entry, figures }) => ({ title: entry.title, x: figures.l0, y: figures.fvu, hue: entry.parts ? "high" : "plain" }));
  if (points.length < 2) return null;
  const svg = node("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "histogram pareto", role: "img", "aria-label": "Variance unexplained against features active at a time" });
  const xs = range(points.map((p) => p.x)), ys = range(points.map((p) => p.y));
  const x = (value) => LEFT + ((value - xs[0]) / (xs[1] - xs[0])) * (RIGHT - LEFT), y = (value) => FLOOR - ((value - ys[0]) / (ys[1] - ys[0])) * (FLOOR - TOP);
  svg.append(node("path", { class: "axis", d: `M${LEFT} ${TOP - 6}V${FLOOR}H${RIGHT + 6}` }));
  for (const at of xs) svg.append(node("text", { x: x(at), y: FLOOR + 13, "text-anchor": "middle" }, short(at)));
  for (const at of ys) svg.append(node("text", { x: LEFT - 5, y: y(at) + 3, "text-anchor": "end" }, percent(at)));
  svg.append(node("text", { x: (LEFT + RIGHT) / 2, y: TALL - 4, "text-anchor": "middle" }, "features active at a time"));
  const front = points.filter((p) => !points.some((q) => q !== p && q.x <= p.x && q.y <= p.y && (q.x < p.x || q.y < p.y))).sort((a, b) => a.x - b.x);
  svg.append(node("polyline", { class: "front", points: front.map((p) => `${x(p.x)},${y(p.y)}`).join(" ") }));
  let taken = [];
  for (const point of [...points].sort((a, b) => y(a.y) - y(b.y))) {
    const left = x(point.x) > (LEFT + RIGHT) / 2, at = { x: x(point.x) + (left ? -7 : 7), y: y(point.y) + 3 };
    while (taken.some((other) => Math.abs(other.y - at.y) < 11 && Math.abs(other.x - at.x) < 120)) at.y += 11;
    taken.push(at);
    const dot = node("circle", { cx: x(point.x), cy: y(point.y), r: 4, fill: `var(--${point.hue})` });
    dot.append(node("title", {}, `${point.title}: ${percent(point.y)} unexplained with ${short(point.x)} active`));
    svg.append(dot, node("text", { x: at.x, y: at.y, "text-anchor": left ? "end" : "start", class: "named" }, point.title));
  }
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, "Variance unexplained against features active; the line joins those that none beats on both")), svg);
}

/** With a margin, so that no point lies on an axis. */
function range(values) {
  const low = Math.min(...values), high = Math.max(...values), room = (high - low) * 0.25 || Math.abs(high) * 0.1 || 1;
  return [Math.max(0, low - room), high + room];
}
