// The tooltip of a timeline: the word or value at a step, and the row under the pointer.

import { hush, nameOf, partOf, percent, say } from "./dom.js";
import { lasting, moment } from "./durations.js";

/**
 * Show the tooltip of the timeline's cursor at a place of the window.
 * @param {import("./timeline.js").Timeline} timeline
 * @param {import("./timeline.js").Cursor} cursor
 * @param {{x: number, y: number}} place
 */
export function showCursorTooltip(timeline, { chart, row, step, y }, place) {
  const { text, unit, run } = timeline;
  const written = step !== null && text.is_text ? text.words[step - text.first] : "";
  const word = step === null ? null : written || moment(text, step, unit);
  const value = step === null ? "" : describe(timeline, step, y);
  if (row === null) {
    if (word !== null && (value || !text.is_text)) say(place, word, value);
    else hush();
    return;
  }
  const feature = chart.rows[row];
  const entry = timeline.dictionary(chart.key).entry;
  const part = feature.part ? `, ${partOf(entry, feature)}` : "";
  const facts = `feature ${feature.feature}${part}; mean dwell ${lasting(feature.dwell, run)}; active on ${percent(feature.density)} of all indexed ${unit}s`;
  if (step === null || word === null) {
    say(place, nameOf(feature, 5), value, "", "", facts);
    return;
  }
  const activation = chart.activationAt(feature, step);
  const shown = activation ? `at ${activation}% of its largest activation` : "inactive here";
  say(place, word, value, shown, nameOf(feature, 5), facts);
}

/**
 * The lines of all lanes on a step.
 * @param {import("./timeline.js").Timeline} timeline
 * @param {number} step
 * @param {number} [y] of the pointer on the chart
 */
function describe(timeline, step, y = -1) {
  let above = 0;
  const lines = timeline.lanes.map((lane) => {
    const line = lane.describe?.(timeline, step, y - above) ?? "";
    above += lane.height(timeline.input, timeline.state.look, timeline);
    return line;
  });
  return lines.filter(Boolean).join("; ");
}
