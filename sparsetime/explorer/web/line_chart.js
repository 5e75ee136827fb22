// A small chart of lines over one axis, with a band for the null, read off by the pointer.

import { h, node, short } from "./dom.js";

const WIDTH = 360;
const HEIGHT = 120;
const LEFT = 4;
const RIGHT = 356;
const TOP = 6;
const FLOOR = 98;

/**
 * @typedef {object} LineChart
 * @property {string} title
 * @property {string} unit of the axis
 * @property {readonly number[]} x ascending
 * @property {readonly (readonly number[])[]} lines values at each x, the first line drawn in `hue`
 * @property {readonly [readonly number[], readonly number[]] | null} [band] least and greatest of the null
 * @property {string} [hue]
 * @property {string} [note] under the chart
 * @property {string[]} [names] of the lines, for the pointer
 */

/** @param {LineChart} settings */
export function lineChart({ title, unit, x, lines, band = null, hue = "plain", note, names = [] }) {
  const values = [...lines.flat(), ...(band ?? []).flat()];
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-12);
  const [from, to] = [x[0], x[x.length - 1]];
  const across = (/** @type {number} */ at) =>
    LEFT + ((at - from) / (to - from || 1)) * (RIGHT - LEFT);
  const up = (/** @type {number} */ value) =>
    FLOOR - ((value - low) / (high - low)) * (FLOOR - TOP);
  const points = (/** @type {readonly number[]} */ line) =>
    line.map((value, i) => `${across(x[i]).toFixed(1)},${up(value).toFixed(1)}`);
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "lines-chart",
    role: "img",
    "aria-label": title,
  });
  if (band) {
    const outline = [...points(band[1]), ...points(band[0]).reverse()].join(" ");
    svg.append(node("polygon", { points: outline, class: "null" }));
  }
  svg.append(node("path", { class: "axis", d: `M${LEFT} ${FLOOR + 0.5}H${RIGHT}` }));
  [...lines].reverse().forEach((line, i) => {
    const first = i === lines.length - 1;
    const kind = first ? `course ${hue}` : "course other";
    svg.append(node("polyline", { points: points(line).join(" "), class: kind }));
  });
  const ends = /** @type {const} */ ([
    [from, "start"],
    [(from + to) / 2, "middle"],
    [to, "end"],
  ]);
  for (const [at, anchor] of ends) {
    const text = `${short(at)}${anchor === "end" ? ` ${unit}` : ""}`;
    svg.append(node("text", { x: across(at), y: HEIGHT - 6, "text-anchor": anchor }, text));
  }
  const mark = node("path", { class: "mark", d: "" });
  svg.append(mark);
  const read = h("output.range");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const wanted = from + ((event.clientX - box.left) / box.width) * (to - from);
    let best = 0;
    for (let i = 0; i < x.length; i += 1)
      if (Math.abs(x[i] - wanted) < Math.abs(x[best] - wanted)) best = i;
    mark.setAttribute("d", `M${across(x[best])} ${TOP}V${FLOOR}`);
    const texts = lines.map((line, i) => `${names[i] ? `${names[i]} ` : ""}${short(line[best])}`);
    read.textContent = `${short(x[best])} ${unit}: ${texts.join(", ")}`;
  });
  svg.addEventListener("pointerleave", () => {
    mark.setAttribute("d", "");
    read.textContent = "";
  });
  return h(
    "figure.spread",
    {},
    h("figcaption", {}, h("b", {}, title), read),
    svg,
    note ? h("p.count", {}, note) : null,
  );
}
