// A histogram whose brush chooses a range: drag over it, or move its ends with the arrow keys.

import { h, node, short } from "./dom.js";

const WIDTH = 360;
const HEIGHT = 92;
const FLOOR = 74;
const SHORTEST_DRAG = 0.3; // bins; less is a click, which clears the range

/**
 * The outline of the bars. By the square roots of their counts, rare values stay visible.
 * @param {number[]} counts
 * @param {number} top the largest count
 * @param {boolean} root
 */
function outline(counts, top, root) {
  const size = WIDTH / counts.length;
  let path = `M0 ${FLOOR}`;
  counts.forEach((count, i) => {
    const share = root ? Math.sqrt(count / top) : count / top;
    const y = FLOOR - (count ? Math.max(1.5, (FLOOR - 6) * share) : 0);
    path += `V${y.toFixed(1)}H${((i + 1) * size).toFixed(1)}`;
  });
  return `${path}V${FLOOR}z`;
}

/**
 * @typedef {object} HistogramSettings
 * @property {string} title
 * @property {string} unit of the values, for the text of the range
 * @property {number[]} edges one more than counts; drawn at equal distances whatever their scale
 * @property {number[]} counts
 * @property {number[] | null} [first] counts of the first part alone
 * @property {string} [hue]
 * @property {boolean} [root] whether heights are square roots of counts
 * @property {(value: number) => string} [format]
 * @property {number[] | null} [chosen] the range, least and largest value
 * @property {((range: [number, number] | null) => unknown) | null} [change] called with a new range
 */

/** @param {HistogramSettings} settings */
export function histogram(settings) {
  const { title, unit, edges, counts, first, format = short, change } = settings;
  const { hue = "plain", root = true, chosen } = settings;
  const top = Math.max(1e-12, ...counts);
  const last = edges.length - 1;
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "histogram",
    role: "img",
    "aria-label": title,
  });
  const area = { class: `area ${first ? "low" : hue}`, d: outline(counts, top, root) };
  svg.append(node("path", area));
  if (first) svg.append(node("path", { class: "area high", d: outline(first, top, root) }));
  svg.append(node("path", { class: "axis", d: `M0 ${FLOOR + 0.5}H${WIDTH}` }));
  const brush = node("rect", { class: "brush", y: 2, height: FLOOR - 2, x: 0, width: 0 });
  svg.append(brush);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    const place = { x: part * WIDTH, y: HEIGHT - 3, "text-anchor": anchor };
    svg.append(node("text", place, format(edges[Math.round(part * last)])));
  }

  const note = h("output.range");
  const draw = (/** @type {[number, number] | null} */ bins) => {
    const [a, b] = bins ?? [0, 0];
    brush.setAttribute("x", String((a / last) * WIDTH));
    brush.setAttribute("width", String(((b - a) / last) * WIDTH));
    note.textContent = bins ? `${format(edges[a])} to ${format(edges[b])} ${unit}` : "";
  };
  /** @type {[number, number] | null} */
  const bins = chosen ? [nearest(edges, chosen[0], 0), nearest(edges, chosen[1], last)] : null;
  if (change) {
    svg.setAttribute("aria-label", `${title}: drag, or press the arrow keys, to filter`);
    makeBrushable(svg, bins, last, draw, (range) => {
      draw(range);
      change(range && [edges[range[0]], edges[range[1]]]);
    });
  }
  draw(bins);
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, title), note), svg);
}

/**
 * Listen to drags and arrow keys on a histogram.
 * @param {SVGSVGElement} svg
 * @param {[number, number] | null} bins the range at first, in edges
 * @param {number} last the number of the last edge
 * @param {(range: [number, number] | null) => void} draw called while a drag continues
 * @param {(range: [number, number] | null) => void} choose called at its end
 */
function makeBrushable(svg, bins, last, draw, choose) {
  let range = bins;
  svg.classList.add("brushable");
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "application");
  const binAt = (/** @type {PointerEvent} */ event) => {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * last;
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    const from = binAt(event);
    const move = (/** @type {PointerEvent} */ next) => {
      const to = binAt(next);
      const start = Math.floor(Math.min(from, to));
      range = [start, Math.max(Math.ceil(Math.max(from, to)), start + 1)];
      draw(range);
    };
    const end = (/** @type {PointerEvent} */ next) => {
      svg.removeEventListener("pointermove", move);
      if (Math.abs(binAt(next) - from) < SHORTEST_DRAG) range = null;
      choose(range);
    };
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerup", end, { once: true });
  });
  svg.addEventListener("keydown", (event) => {
    const [a, b] = range ?? [0, last];
    if (event.key === "Escape") range = null;
    else if (event.key === "ArrowLeft")
      range = event.shiftKey ? [a, Math.max(a + 1, b - 1)] : [Math.max(0, a - 1), b];
    else if (event.key === "ArrowRight")
      range = event.shiftKey ? [a, Math.min(last, b + 1)] : [Math.min(b - 1, a + 1), b];
    else return;
    event.preventDefault();
    event.stopPropagation();
    choose(range);
  });
}

/**
 * The number of the edge nearest to a value; `otherwise` for a value that is not finite.
 * @param {number[]} edges
 * @param {number} value
 * @param {number} otherwise
 */
function nearest(edges, value, otherwise) {
  if (!Number.isFinite(value)) return otherwise;
  let best = 0;
  edges.forEach((edge, i) => {
    if (Math.abs(edge - value) < Math.abs(edges[best] - value)) best = i;
  });
  return best;
}
