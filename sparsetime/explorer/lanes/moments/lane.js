// Moments that were found over the timeline, a row a search, and the surprise of steps as a curve.

import { short } from "../../web/dom.js";
import { fitted } from "../../web/timeline_rows.js";

const ROW = 17;
const CURVE = 40;
const EDGE = 4;

/** @type {WeakMap<Timeline, Api.MomentsView>} */
const answers = new WeakMap();

/**
 * @param {Chart} chart
 * @param {string} name
 * @param {number} y of the baseline
 */
function nameRow({ pen, hues, font, gutter }, name, y) {
  pen.font = `11px ${font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.soft;
  pen.fillText(fitted(pen, name, gutter - 150), gutter - 12, y);
  pen.textAlign = "left";
}

/**
 * @param {Chart} chart
 * @param {Api.SurpriseCurve} curve
 * @param {number} first step of the curve
 * @param {number} top
 */
function drawCurve(chart, { levels, columns, stride }, first, top) {
  const { pen, hues } = chart;
  const heights = atob(levels);
  const base = top + CURVE - 2;
  pen.beginPath();
  pen.moveTo(chart.x(first), base);
  for (let at = 0; at < columns; at += 1) {
    const y = base - ((CURVE - 6) * heights.charCodeAt(at)) / 255;
    pen.lineTo(chart.x(first + at * stride), y);
    pen.lineTo(chart.x(first + (at + 1) * stride), y);
  }
  pen.lineTo(chart.x(first + columns * stride), base);
  pen.closePath();
  pen.fillStyle = hues.plain;
  pen.globalAlpha = 0.45;
  pen.fill();
  pen.globalAlpha = 1;
}

export default /** @type {Lane} */ ({
  fits: () => true,
  height(_input, _look, timeline) {
    const answer = timeline && answers.get(timeline);
    if (!answer) return 0;
    const high = answer.found.length * ROW + answer.surprise.length * CURVE;
    return high ? high + 2 * EDGE : 0;
  },
  async load(timeline) {
    if (answers.has(timeline) || timeline.fixed) return;
    answers.set(timeline, await timeline.asked("moments", {}));
  },
  draw(chart, timeline) {
    const { pen, hues, gutter, wide } = chart;
    const answer = answers.get(timeline);
    if (!answer) return;
    const { from, to } = timeline.view;
    let top = EDGE;
    const within = (/** @type {number} */ high, /** @type {() => void} */ draw) => {
      pen.save();
      pen.beginPath();
      pen.rect(gutter, top, wide, high);
      pen.clip();
      draw();
      pen.restore();
      top += high;
    };
    for (const curve of answer.surprise) {
      nameRow(chart, curve.site, top + CURVE / 2 + 4);
      within(CURVE, () => drawCurve(chart, curve, answer.first, top));
    }
    for (const { name, moments } of answer.found) {
      nameRow(chart, name, top + 12);
      within(ROW, () => {
        pen.fillStyle = hues.high;
        for (const { first, stop, share } of moments) {
          if (stop < from || first >= to) continue;
          const left = chart.x(first);
          const high = (0.3 + 0.7 * share) * (ROW - 4);
          pen.fillRect(left, top + ROW - 2 - high, Math.max(2, chart.x(stop) - left), high);
        }
      });
    }
  },
  describe(timeline, step) {
    const found = answers.get(timeline)?.found ?? [];
    return found
      .flatMap(({ name, moments }) => {
        const here = moments.find(({ first, stop }) => first <= step && step < stop);
        return here ? [`${name}: ${short(here.score)}`] : [];
      })
      .join(", ");
  },
});
