// The rows of a timeline: their order, and how one is drawn.

import { hueOf, nameOf } from "./dom.js";
import { inTimeUnit } from "./durations.js";

export const ROW = 16; // height in pixels
const LABEL = 48; // left edge of the names; the feature's number is right-aligned before it
const GAP = 0.6; // pixels between cells, where they are wider than 5

/** Orders of rows with their labels. */
export const SORTS = /** @type {const} */ ([
  ["timescale", "timescale"],
  ["entry", "first entry"],
  ["strength", "activation"],
  ["coactivation", "co-activation"],
]);

/**
 * @typedef {(typeof SORTS)[number][0]} Sort
 * @typedef {import("./timeline_canvas.js").TimelineCanvas} TimelineCanvas
 * @typedef {import("./timeline_state.js").Grouping} Grouping
 * @typedef {Api.TimelineRow} Row
 */

/** @type {Record<Sort, (a: Row, b: Row) => number>} */
const ORDERS = {
  timescale: (a, b) => b.dwell - a.dwell,
  entry: (a, b) => (a.columns[0] ?? 1e9) - (b.columns[0] ?? 1e9) || b.dwell - a.dwell,
  strength: (a, b) => b.energy - a.energy,
  coactivation: (a, b) => a.place - b.place,
};

/**
 * Rows in order: pinned ones first, then by group, then by `sort`.
 * @param {Row[]} rows
 * @param {Set<number>} pins features
 * @param {{sort: Sort, group: Grouping}} state
 */
export function sortRows(rows, pins, { sort, group }) {
  const pinned = (/** @type {Row} */ row) => Number(pins.has(row.feature));
  return [...rows].sort(
    (a, b) =>
      pinned(b) - pinned(a) ||
      (group === "part" ? a.part.localeCompare(b.part) : 0) ||
      (group === "together" ? a.group - b.group : 0) ||
      ORDERS[sort](a, b),
  );
}

/**
 * Whether a group of rows ends after a row.
 * @param {Row[]} rows
 * @param {number} i
 * @param {Grouping} group
 */
export function endsGroup(rows, i, group) {
  const next = rows[i + 1];
  if (!next || !group) return false;
  return group === "part" ? next.part !== rows[i].part : next.group !== rows[i].group;
}

/**
 * The place of the first column that is not before `column`, by bisection.
 * @param {number[]} columns ascending
 * @param {number} column
 */
export function firstFrom(columns, column) {
  let low = 0;
  let high = columns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns[middle] < column) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Draw a row of a chart: its ground, name and activations.
 * @param {TimelineCanvas} chart
 * @param {number} i
 */
export function drawRow(chart, i) {
  const { pen, hues, timeline } = chart;
  const row = chart.rows[i];
  const y = chart.top + (chart.placeOf(i) - chart.scroll) * ROW;
  const floor = y + ROW - 1.5;
  const opacity = chart.entered(row.feature) ? chart.eased : 1; // a new row fades in
  const hue = hues[hueOf(row)];
  const pinned = timeline.pinsOf(chart.key).has(row.feature);
  const pointed = timeline.cursor?.chart === chart && timeline.cursor.row === i;
  if (pinned || pointed) {
    pen.globalAlpha = pinned ? 0.1 : 0.06;
    pen.fillStyle = pinned ? hue : hues.ink;
    pen.fillRect(0, y, chart.across, ROW);
  }
  const last = endsGroup(chart.rows, i, timeline.state.group);
  pen.globalAlpha = last ? 0.55 : 1;
  pen.fillStyle = last ? hues.faint : hues.rule;
  const left = last ? 0 : chart.gutter;
  pen.fillRect(left, floor + 0.5, chart.across - left, 1);
  drawName(chart, row, y, hue, pinned || pointed, opacity);
  if (chart.moving) drawActivations(chart, row, floor, hue, opacity);
}

/**
 * Draw the cells of rows that are at their places, from the top of the chart's rows on.
 * @param {TimelineCanvas} chart
 * @param {number} begin the first row
 * @param {number} end one past the last
 */
export function drawCells(chart, begin, end) {
  for (let i = begin; i < end; i += 1) {
    const floor = chart.top + (i - chart.scroll) * ROW + ROW - 1.5;
    drawActivations(chart, chart.rows[i], floor, chart.hues[hueOf(chart.rows[i])], 1);
  }
}

/**
 * Draw the cells in view, as high as the activations, over a pale bar for each run.
 * @param {TimelineCanvas} chart
 * @param {Row} row
 * @param {number} floor the lower edge of the cells
 * @param {string} hue
 * @param {number} opacity
 */
function drawActivations(chart, { columns, strengths }, floor, hue, opacity) {
  const { pen, data, gutter, timeline } = chart;
  if (!data) return;
  const width = chart.pitch * data.stride;
  const full = ROW - 4;
  const zero = chart.x(data.first);
  const last = (timeline.view.to - data.first) / data.stride;
  /** @type {[number, number][]} */
  const runs = [];
  let pixel = -1;
  let highest = 0; // drawn in that pixel already
  pen.fillStyle = hue;
  pen.globalAlpha = opacity;
  const start = firstFrom(columns, (timeline.view.from - data.first) / data.stride - 1);
  for (let at = start; at < columns.length && columns[at] <= last; at += 1) {
    const a = Math.max(gutter, zero + columns[at] * width);
    const b = Math.max(a, zero + (columns[at] + 1) * width);
    const run = runs.at(-1);
    // Cells less than a pixel apart are one run, or zooming out would break it into slivers.
    if (run && a <= run[1] + 0.6) run[1] = b;
    else runs.push([a, b]);
    const height = (full * strengths[at]) / 100;
    if (width >= 1) {
      const cell = Math.max(0.8, b - a - (width > 5 ? GAP : 0));
      pen.fillRect(a, floor - Math.max(1.5, height), cell, Math.max(1.5, height));
      continue;
    }
    // Several columns share a pixel: the highest is drawn, so that no short activation is lost and
    // each pixel is filled a few times only.
    const here = Math.floor(a);
    if (here !== pixel) {
      pixel = here;
      highest = Math.max(1.5, height);
    } else if (height > highest) highest = height;
    else continue;
    pen.fillRect(here, floor - highest, 1, highest);
  }
  pen.globalAlpha = 0.18 * opacity;
  for (const [a, b] of runs) pen.fillRect(a, floor - full, Math.max(1, b - a), full);
  pen.globalAlpha = 1;
}

/**
 * Draw a row's number, name and mean dwell left of its cells.
 * @param {TimelineCanvas} chart
 * @param {Row} row
 * @param {number} y
 * @param {string} hue
 * @param {boolean} strong whether it is pinned or under the cursor
 * @param {number} opacity
 */
function drawName(chart, row, y, hue, strong, opacity) {
  const { pen, hues, font, gutter } = chart;
  const base = y + ROW / 2 + 4;
  const named = strong || row.label;
  pen.globalAlpha = opacity;
  pen.font = `11px ${font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.faint;
  pen.fillText(String(row.feature), LABEL - 8, base);
  pen.font = `600 11px ${font}`;
  pen.fillStyle = hue;
  pen.fillText(inTimeUnit(row.dwell, chart.timeline.run), gutter - 12, base);
  pen.textAlign = "left";
  pen.font = `${named ? "600 " : ""}12px ${font}`;
  pen.fillStyle = named ? hues.ink : hues.soft;
  pen.fillText(fitted(pen, nameOf(row, 4), gutter - LABEL - 50), LABEL, base);
  pen.globalAlpha = 1;
}

/**
 * A text cut to a width in pixels, by bisection over its length.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} room
 */
export function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pen.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low).trimEnd()}…`;
}
