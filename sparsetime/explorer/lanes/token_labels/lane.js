// Words over the timeline, slanted, as many as have room; and moments as lines of prose.

import { h, hueOf } from "../../web/dom.js";
import { spread, thinned } from "../../web/label_layout.js";

const TURN = (-66 * Math.PI) / 180, APART = 10.4, TALL = 96;

export default {
  fits: (input) => input.kind === "text",
  height: () => TALL,
  draw(chart, timeline) {
    const { pen, hues, gutter, wide, top } = chart, { view, cursor } = timeline;
    const found = thinned(timeline.labels, view.from, view.to, (wide - 30) / APART);
    const wanted = found.map((label) => Math.max(0, ((label.from + label.to) / 2 - view.from) * chart.pitch));
    const places = spread(wanted, APART, wide - 28);
    const row = cursor && cursor.row !== null ? cursor.chart.rows[cursor.row] : null;
    pen.lineWidth = 0.75;
    found.forEach((label, i) => {
      const x = gutter + places[i], under = cursor?.step >= label.from && cursor?.step < label.to;
      let lit = false;
      for (let step = label.from; row && step < label.to; step += 1) lit ||= cursor.chart.strength(row, step) > 0;
      pen.strokeStyle = hues.faint; pen.globalAlpha = 0.5;
      pen.beginPath(); pen.moveTo(gutter + wanted[i], top - 1); pen.lineTo(x, top - 10); pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = under ? hues.ink : lit ? hues[hueOf(row)] : hues.soft;
      pen.font = `${under || lit ? "600 " : ""}10.5px ${chart.font}`;
      pen.translate(x + 2, top - 12); pen.rotate(TURN);
      pen.fillText(label.text, 0, 3);
      pen.rotate(-TURN); pen.translate(-x - 2, -top + 12);
    });
  },
  example: (example, hue) => h("p", { dir: "auto" }, example.words.flatMap((word, i) => {
    const strength = example.strengths[i], mark = h(i === example.here ? "mark.here" : strength ? "mark" : "span", {}, word);
    if (strength) mark.style.background = `color-mix(in srgb, var(--${hue}) ${8 + strength * 0.48}%, transparent)`;
    return [i ? example.gaps[i].replace("\n\n", " ¶ ") : "", mark];
  })),
};
