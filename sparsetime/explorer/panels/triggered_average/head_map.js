// The mean input when a feature fires at the places of EEG channels, seen from above.

import { h, node, short } from "../../web/dom.js";

const SIZE = 240;
const MOST_NAMES = 32;
const RADIUS = 88; // of the head, at 90 degrees from the vertex

/**
 * z of every channel at the lag where the largest |z| is; a reason where channels have no places,
 * and null where there are too few of them.
 * @param {Api.TriggeredAverage} answer
 */
export function headMap({ channels, times, unit, z, mean, units, sensors }) {
  if (sensors.reason) return h("p.count", {}, sensors.reason);
  if (!sensors.places.length) return null;
  const placed = channels.flatMap((_, i) => (sensors.places[i] ? [i] : []));
  const size = (/** @type {number} */ at) => Math.max(...placed.map((i) => Math.abs(z[i][at])));
  const at = times.map((_, t) => t).reduce((best, t) => (size(t) > size(best) ? t : best), 0);
  const largest = Math.max(size(at), 1e-9);
  const middle = SIZE / 2;
  const picture = node("svg", {
    viewBox: `0 0 ${SIZE} ${SIZE}`,
    class: "head-map",
    role: "img",
    "aria-label": "z of the channels on the head",
  });
  picture.append(
    node("circle", { class: "outline", cx: middle, cy: middle, r: RADIUS }),
    node("path", {
      class: "outline",
      d: `M ${middle - 12} ${middle - RADIUS + 1} L ${middle} ${middle - RADIUS - 14} L ${middle + 12} ${middle - RADIUS + 1}`,
    }),
  );
  for (const i of placed) {
    const [x, y] = /** @type {[number, number]} */ (sensors.places[i]);
    const share = Math.abs(z[i][at]) / largest;
    const place = { cx: middle + RADIUS * x, cy: middle - RADIUS * y };
    const dot = node("circle", {
      class: z[i][at] < 0 ? "below" : "above",
      r: 3 + 11 * Math.sqrt(share),
      ...place,
    });
    const title = node("title", {});
    title.textContent = `${channels[i]}: z ${short(z[i][at])}, mean ${short(mean[i][at])} ${units[i] ?? ""}`;
    dot.append(title);
    const label = node("text", { x: place.cx, y: place.cy + 22 });
    label.textContent = channels[i];
    picture.append(dot);
    if (placed.length <= MOST_NAMES) picture.append(label);
  }
  const left = channels.length - placed.length;
  const note = left ? ` ${left} channels have no place in the 10-20 system.` : "";
  return h(
    "figure",
    {},
    h("figcaption", {}, h("b", {}, `z on the head at ${short(times[at])} ${unit}`)),
    picture,
    h(
      "p.count",
      {},
      `The lag of the largest |z|, ${short(largest)}. Filled: above the null.${note}`,
    ),
  );
}
