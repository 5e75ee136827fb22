// All dictionaries of a run in one chart: unexplained variance against active features.

import { h, messageOf } from "../../web/dom.js";
import { drawPoints } from "../../web/plotly_charts.js";

/**
 * The chart, its Pareto front joined by dashes; null where fewer than two dictionaries are measured.
 * @param {Api.Overview} run
 */
export function pareto(run) {
  const points = run.dictionaries.flatMap(({ entry, figures: { fvu, l0 }, measured_on }) => {
    if (fvu === undefined || l0 === undefined) return [];
    const hue = entry.parts ? "high" : "plain";
    return [{ title: entry.title, x: l0, y: fvu, hue, measured_on }];
  });
  if (points.length < 2) return null;
  const front = paretoFront(points);
  const title = "Unexplained variance against L0";
  const place = h("div.plot.small", { role: "img", "aria-label": title });
  const data = new Set(points.map((point) => point.measured_on));
  const note = h(
    "p.count",
    {},
    front.length > 1 ? "Dashes join the Pareto front. " : "",
    data.size === 1
      ? `Measured on ${[...data][0]}.`
      : "Measured on different data; the overview says on which.",
  );
  drawPoints(place, points, front).catch((error) => {
    note.textContent = messageOf(error);
  });
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, title)), place, note);
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
