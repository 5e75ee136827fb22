// A histogram whose brush chooses a range: drag over it, or move its ends with the arrow keys.

import { h, node, short } from "./dom.js";

const WIDE = 360, TALL = 92, FLOOR = 74;

/** A path of steps; by their square roots, rare ones are seen beside frequent ones. */
function outline(counts, top, root) {
  const size = WIDE / counts.length;
  let path = `M0 ${FLOOR}`;
  counts.forEach((count, i) => {
    const y = FLOOR - (count ? Math.max(1.5, (FLOOR - 6) * (root ? Math.sqrt(count / top) : count / top)) : 0);
    path += `V${y.toFixed(1)}H${((i + 1) * size).toFixed(1)}`;
  });
  return `${path}V${FLOOR}z`;
}

/**
 * `chosen` is [least, most] or null; `change` hears of another range, null for all.
 * Edges are spread evenly over the width whatever their scale.
 */
export function histogram({ title, unit, edges, counts, first = null, hue = "plain", root = true, format = short, chosen = null, change = null }) {
  const top = Math.max(1e-12, ...counts);
  const last = edges.length - 1;
  const svg = node("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "histogram", role: "img", "aria-label": title });
  svg.append(node("path", { class: `area ${first ? "low" : hue}`, d: outline(counts, top, root) }));
  if (first) svg.append(node("path", { class: "area high", d: outline(first, top, root) }));
  svg.append(node("path", { class: "axis", d: `M0 ${FLOOR + 0.5}H${WIDE}` }));
  const brush = node("rect", { class: "brush", y: 2, height: FLOOR - 2, x: 0, width: 0 });
  svg.append(brush);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    svg.append(node("text", { x: part * WIDE, y: TALL - 3, "text-anchor": anchor }, format(edges[Math.round(part * last)])));
  }
  let range = chosen && chosen.map((value, i) => nearest(edges, value, i ? last : 0));
  const note = h("output.range");
  const draw = () => {
    brush.setAttribute("x", range ? (range[0] / last) * WIDE : 0);
    brush.setAttribute("width", range ? ((range[1] - range[0]) / last) * WIDE : 0);
    note.textContent = range ? `${format(edges[range[0]])} to ${format(edges[range[1]])} ${unit}` : "";
  };
  const tell = () => { draw(); change?.(range && [edges[range[0]], edges[range[1]]]); };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * last;
  };
  if (change) {
    svg.classList.add("brushable");
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-label", `${title}: drag, or press the arrow keys, to filter`);
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      const from = at(event);
      const move = (next) => {
        const to = at(next);
        range = [Math.floor(Math.min(from, to)), Math.max(Math.ceil(Math.max(from, to)), Math.floor(Math.min(from, to)) + 1)];
        draw();
      };
      const end = (next) => {
        svg.removeEventListener("pointermove", move);
        if (Math.abs(at(next) - from) < 0.3) range = null;
        tell();
      };
      svg.addEventListener("pointermove", move);
      svg.addEventListener("pointerup", end, { once: true });
    });
    svg.addEventListener("keydown", (event) => {
      const [a, b] = range ?? [0, last];
      const moves = event.shiftKey
        ? { ArrowLeft: [a, Math.max(a + 1, b - 1)], ArrowRight: [a, Math.min(last, b + 1)] }
        : { ArrowLeft: [Math.max(0, a - 1), b], ArrowRight: [Math.min(b - 1, a + 1), b] };
      if (event.key === "Escape") range = null;
      else if (moves[event.key]) range = moves[event.key];
      else return;
      event.preventDefault();
      event.stopPropagation();
      tell();
    });
  }
  draw();
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, title), note), svg);
}

function nearest(edges, value, otherwise) {
  if (!Number.isFinite(value)) return otherwise;
  let best = 0;
  edges.forEach((edge, i) => { if (Math.abs(edge - value) < Math.abs(edges[best] - value)) best = i; });
  return best;
}
