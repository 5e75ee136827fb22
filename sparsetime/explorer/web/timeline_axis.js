// The time axis below the rows of a chart: times where the steps have some, else their numbers.

import { timeUnit } from "./durations.js";
import { timeText } from "./time_text.js";

const BETWEEN = 110; // least pixels between two ticks
const LETTER = 6.5; // about the width of a digit

/**
 * @param {import("./timeline_canvas.js").TimelineCanvas} chart
 * @param {number} floor the axis's upper edge
 */
export function drawAxis(chart, floor) {
  const { pen, timeline } = chart;
  const { text, view } = timeline;
  pen.font = `11px ${chart.font}`;
  pen.fillStyle = chart.hues.faint;
  pen.textAlign = "left";
  for (const { step, label } of ticks(view, text, BETWEEN / chart.pitch)) {
    const x = chart.x(step);
    pen.fillRect(Math.round(x), floor, 1, 4);
    if (x < chart.across - 12 - label.length * LETTER) pen.fillText(label, x + 4, floor + 14);
  }
  pen.fillText(text.time_unit || `${timeline.unit}s`, 48, floor + 14);
  pen.textAlign = "right";
  pen.fillText(`dwell, ${timeUnit(timeline.run)}`, chart.gutter - 12, floor + 14);
  pen.textAlign = "left";
}

/**
 * The ticks of the steps in view, at least `least` steps apart, at round times or round numbers.
 * @param {{from: number, to: number}} view in steps
 * @param {Pick<TimelineText, "start" | "step" | "time_unit" | "origin">} text
 * @param {number} least
 * @returns {{step: number, label: string}[]}
 */
export function ticks({ from, to }, { start, step: length, time_unit, origin = 0 }, least) {
  const marks = [];
  if (time_unit && length > 0) {
    const stride = roundStride(least * length);
    const first = start + length * (from + origin);
    // A tenth of a step of tolerance, as a start and a stride are seldom exact in binary.
    const begin = Math.ceil((first - length / 10) / stride);
    for (let number = begin; ; number += 1) {
      const time = number * stride;
      const step = (time - start) / length - origin;
      if (!(step < to)) return marks;
      marks.push({ step, label: timeText(time, stride) });
    }
  }
  const stride = tickStride(least);
  for (let step = Math.ceil(from / stride) * stride; step < to; step += stride)
    marks.push({ step, label: (step + origin).toLocaleString("en") });
  return marks;
}

/**
 * Steps between two ticks of the axis: 1, 2 or 5 times a power of ten, and at least `least`.
 * @param {number} least
 */
export const tickStride = (least) => roundStride(Math.max(1, least));

/**
 * 1, 2 or 5 times a power of ten that is at least `least`.
 * @param {number} least above 0
 */
function roundStride(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((stride) => stride >= least) ?? power;
}
