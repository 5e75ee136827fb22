// Marks over the rows of a chart: the selection, change points, the cursor and the scroll bar.

import { ROW } from "./timeline_rows.js";

export const MOST_DASHES = 60; // boundaries in view; more would hide the cells

/** @typedef {import("./timeline_canvas.js").TimelineCanvas} Chart */

/**
 * @param {Chart} chart
 * @param {number} floor
 */
export function drawSelection(chart, floor) {
  const { pen, hues } = chart;
  const { selection } = chart.timeline;
  if (!selection) return;
  const left = Math.max(chart.gutter, chart.x(selection[0]));
  const right = chart.x(selection[1]);
  pen.globalAlpha = 0.07;
  pen.fillStyle = hues.ink;
  if (right > left) pen.fillRect(left, 0, right - left, floor);
  pen.globalAlpha = 1;
}

/**
 * @param {Chart} chart
 * @param {number} floor
 */
export function drawBoundaries(chart, floor) {
  const { pen, hues } = chart;
  const inView = chart.boundariesInView;
  if (inView.length > MOST_DASHES) return;
  pen.strokeStyle = hues.faint;
  pen.lineWidth = 1;
  pen.setLineDash([2, 3]);
  pen.globalAlpha = 0.7;
  for (const step of inView) {
    const x = Math.round(chart.x(step)) + 0.5; // on a pixel's middle, or the line is two pixels wide
    pen.beginPath();
    pen.moveTo(x, chart.top);
    pen.lineTo(x, floor);
    pen.stroke();
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/**
 * @param {Chart} chart
 * @param {number} floor
 */
export function drawCursor(chart, floor) {
  const { pen, hues } = chart;
  const { cursor, inputLane } = chart.timeline;
  if (!cursor || cursor.step === null) return;
  const x = chart.x(cursor.step);
  const width = Math.max(1, chart.pitch);
  if (x + width < chart.gutter) return;
  const over = inputLane?.reads ? 0 : chart.top; // these lanes have the same time axis as the rows
  pen.globalAlpha = 0.08;
  pen.fillStyle = hues.ink;
  pen.fillRect(Math.max(chart.gutter, x), over, width, floor - over);
  pen.globalAlpha = 1;
  if (cursor.chart === chart && cursor.row !== null && cursor.keys) {
    pen.strokeStyle = hues.ink;
    pen.lineWidth = 1.5;
    const y = chart.top + (cursor.row - chart.scroll) * ROW;
    pen.strokeRect(x, y, Math.max(3, width), ROW - 1);
  }
}

/**
 * The line of what is heard.
 * @param {Chart} chart
 * @param {number} floor
 */
export function drawPlayhead(chart, floor) {
  const { playhead } = chart.timeline;
  if (playhead === null) return;
  const x = chart.x(playhead);
  if (x < chart.gutter) return;
  chart.pen.fillStyle = chart.hues.ink;
  chart.pen.fillRect(x - 0.75, 0, 1.5, floor);
}

/**
 * @param {Chart} chart
 * @param {number} floor
 */
export function drawScrollbar(chart, floor) {
  const { pen, rows } = chart;
  if (rows.length <= chart.visible) return;
  const height = floor - chart.top;
  const thumb = Math.max(18, (chart.visible / rows.length) * height);
  pen.fillStyle = chart.hues.faint;
  pen.globalAlpha = 0.5;
  pen.fillRect(chart.across - 4, chart.top + (chart.scroll / rows.length) * height, 3, thumb);
  pen.globalAlpha = 1;
}
