// Words over the timeline, slanted, as many as have room; and examples, as prose or as bars.

import { h, hueOf, node } from "../../web/dom.js";
import { spread, thinned } from "../../web/label_layout.js";
import { shading } from "../../web/passage.js";

const ANGLE = (-66 * Math.PI) / 180;
const APART = 10.4; // pixels between two words
const HEIGHT = 96;
const EMPTY = 44; // height without words, for dragging over and for the dictionary's title

/**
 * An activating example as a line of prose, its words shaded by their activation.
 * @param {Api.Moment} example
 * @param {Hue} hue
 */
function exampleText({ words, gaps, here, strengths }, hue) {
  const pieces = words.flatMap((word, i) => {
    const mark = h(i === here ? "mark.here" : strengths[i] ? "mark" : "span", {}, word);
    if (strengths[i]) mark.style.background = shading(hue, strengths[i]);
    return [i ? gaps[i].replace("\n\n", " ¶ ") : "", mark];
  });
  return h("p", { dir: "auto" }, pieces);
}

const BARS_WIDTH = 640;
const BARS = 40; // height of the bars

/**
 * An activating example without words: a bar for each step, as high as its activation, over a mark
 * at the moment.
 * @param {Api.Moment} example
 * @param {Hue} hue
 */
function exampleBars({ here, strengths, time }, hue) {
  const step = BARS_WIDTH / strengths.length;
  const svg = node("svg", {
    viewBox: `0 0 ${BARS_WIDTH} ${BARS + 6}`,
    class: "sparks",
    role: "img",
    "aria-label": `Activations around ${time}`,
  });
  svg.append(node("path", { class: "axis", d: `M0 ${BARS + 0.5}H${BARS_WIDTH}` }));
  strengths.forEach((strength, i) => {
    if (!strength) return;
    const height = Math.max(1.5, (BARS * strength) / 100);
    const box = { x: i * step, y: BARS - height, width: step * 0.86, height };
    svg.append(node("rect", { ...box, fill: `var(--${hue})`, opacity: i === here ? 1 : 0.45 }));
  });
  const mark = { x: here * step, y: BARS + 3, width: step * 0.86, height: 3 };
  svg.append(node("rect", { ...mark, class: "here", fill: "var(--ink)" }));
  return svg;
}

export default /** @type {Lane} */ ({
  fits: (input) => input.kind === "text",
  height: (input) => (input.kind === "text" ? HEIGHT : EMPTY),
  draw(chart, timeline) {
    if (timeline.input.kind !== "text") return; // the axis has the times
    const { pen, hues, gutter, wide, top } = chart;
    const { view, cursor } = timeline;
    const labels = thinned(timeline.labels, view.from, view.to, (wide - 30) / APART);
    const wanted = labels.map(({ from, to }) =>
      Math.max(0, ((from + to) / 2 - view.from) * chart.pitch),
    );
    const places = spread(wanted, APART, wide - 28);
    const row = cursor && cursor.row !== null ? cursor.chart.rows[cursor.row] : null;
    pen.lineWidth = 0.75;
    labels.forEach((label, i) => {
      const x = gutter + places[i];
      const step = cursor?.step ?? -1;
      const pointed = step >= label.from && step < label.to;
      let active = false;
      for (let at = label.from; cursor && row && at < label.to; at += 1) {
        active ||= cursor.chart.activationAt(row, at) > 0;
      }
      // A hairline joins the word to its steps, as spreading may have moved it.
      pen.strokeStyle = hues.faint;
      pen.globalAlpha = 0.5;
      pen.beginPath();
      pen.moveTo(gutter + wanted[i], top - 1);
      pen.lineTo(x, top - 10);
      pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = pointed ? hues.ink : active && row ? hues[hueOf(row)] : hues.soft;
      pen.font = `${pointed || active ? "600 " : ""}10.5px ${chart.font}`;
      pen.translate(x + 2, top - 12);
      pen.rotate(ANGLE);
      pen.fillText(label.text, 0, 3);
      pen.rotate(-ANGLE);
      pen.translate(-x - 2, -top + 12);
    });
  },
  example: (example, hue) => (example.is_text ? exampleText : exampleBars)(example, hue),
});
