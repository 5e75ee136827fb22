// Labels of steps and events over the timeline, a row each: spans with their text where it fits.

import { fitted } from "../../web/timeline_rows.js";

const ROW = 15;
const EDGE = 4;
const LEAST = 16; // pixels of a span that has a text

/** @type {WeakMap<Timeline, Api.Tracks>} */
const answers = new WeakMap();

export default /** @type {Lane} */ ({
  fits: (input) => input.kind !== "text",
  height(_input, _look, timeline) {
    const count = (timeline && answers.get(timeline)?.tracks.length) ?? 0;
    return count ? count * ROW + 2 * EDGE : 0;
  },
  async load(timeline) {
    if (answers.has(timeline) || timeline.fixed) return;
    answers.set(timeline, await timeline.asked("tracks", {}));
  },
  draw(chart, timeline) {
    const { pen, hues, gutter, wide } = chart;
    const answer = answers.get(timeline);
    if (!answer?.tracks.length) return;
    const { from, to } = timeline.view;
    answer.tracks.forEach(({ name, kind, spans, hidden }, i) => {
      const top = EDGE + i * ROW;
      pen.font = `11px ${chart.font}`;
      pen.textAlign = "right";
      pen.fillStyle = hues.soft;
      pen.fillText(fitted(pen, name, gutter - 150), gutter - 12, top + 11);
      pen.textAlign = "left";
      pen.save();
      pen.beginPath();
      pen.rect(gutter, top, wide, ROW);
      pen.clip();
      spans.forEach((span, at) => {
        if (span.stop < from || span.first >= to) return;
        const left = chart.x(span.first);
        const width = Math.max(2, chart.x(span.stop) - left);
        pen.fillStyle = kind === "event" ? hues.high : hues.plain;
        pen.globalAlpha = kind === "event" || at % 2 ? 0.35 : 0.18;
        pen.fillRect(left, top + 1, width - 0.5, ROW - 3);
        pen.globalAlpha = 1;
        if (kind === "event" || width < LEAST) return;
        pen.fillStyle = hues.ink;
        const place = Math.max(left, gutter) + 3;
        pen.fillText(fitted(pen, span.text, left + width - place - 2), place, top + 11);
      });
      if (hidden) drawHidden(chart, spans, hidden, top);
      pen.restore();
    });
  },
  describe(timeline, step) {
    const tracks = answers.get(timeline)?.tracks ?? [];
    const texts = tracks.flatMap(({ name, kind, spans }) => {
      const here = spans.find((span) => span.first < step + 1 && span.stop > step);
      if (!here) return [];
      return [kind === "event" ? here.text : `${name}: ${here.text}`];
    });
    return texts.join(", ");
  },
});

/**
 * Say after the last span how many later ones are not drawn.
 * @param {Chart} chart
 * @param {readonly Api.TrackSpan[]} spans
 * @param {number} hidden
 * @param {number} top
 */
function drawHidden(chart, spans, hidden, top) {
  const { pen, hues, gutter, wide } = chart;
  const left = Math.max(gutter, chart.x(spans[spans.length - 1].stop)) + 6;
  if (left > gutter + wide) return;
  pen.fillStyle = hues.faint;
  pen.fillText(`${hidden.toLocaleString("en")} later ones are not drawn`, left, top + 11);
}
