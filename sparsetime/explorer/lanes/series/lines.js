// Channels of a series as lines, each in a band of its own scale with its least and greatest value.

import { short } from "../../web/dom.js";
import { columnsOf } from "../../web/packed_columns.js";
import { numberOf, PanLayer } from "../../web/pan_layer.js";
import { fitted } from "../../web/timeline_rows.js";

const BAND = 27; // height of one channel of several
const ALONE = 110;
const MOST = 260;
const LEAST_BAND = 11; // height of one of many channels
const SCALED = 24; // height from which a band has numbers
const LEAST_SHARE = 1 / 8; // of the usual range of a channel that its band shows at least
const layer = new PanLayer();
const EDGE = 4; // pixels over the first band

/** @param {Api.InputView} input */
export function linesHeight({ channels: { length } }) {
  if (length === 1) return ALONE;
  return Math.max(Math.min(MOST, length * BAND + 12), length * LEAST_BAND + 12);
}

/**
 * @param {Chart} chart
 * @param {Api.InputView} input
 */
export function drawLines(chart, input) {
  const band = (chart.top - 10) / input.channels.length;
  const scaled = { ...input, ...rangesNear(input) };
  const floors = input.channels.map((_, i) => EDGE + (i + 1) * band - 3);
  input.channels.forEach((name, i) => {
    drawScale(chart, scaled, i, name, floors[i], band);
  });
  const content = `${numberOf(input)} ${chart.hues.ink}`;
  layer.draw(chart, content, 0, chart.top, (part) => {
    const { pen } = part;
    const all = columnsOf(input);
    pen.strokeStyle = part.hues.ink;
    pen.lineWidth = band < SCALED ? 0.8 : 1.1;
    pen.lineJoin = "round";
    const zero = part.x(input.begin);
    const width = part.pitch * input.stride;
    floors.forEach((floor, i) => {
      const y = heightScale(scaled, i, floor, band - 7);
      trace(pen, all[i], zero, width, y, visible(part, input));
    });
  });
  chart.pen.textAlign = "left";
}

/** @type {WeakMap<Api.InputView, {least: number[], most: number[]}>} */
const near = new WeakMap();

/**
 * The least and the greatest value of each channel over the steps that were fetched, which are the
 * view and as much on each side: an artefact elsewhere would make all else a flat line. At least an
 * eighth of the usual range, so that the noise of a quiet channel does not fill its band.
 * @param {Api.InputView} input
 */
export function rangesNear(input) {
  const known = near.get(input);
  if (known) return known;
  /** @type {{least: number[], most: number[]}} */
  const ranges = { least: [], most: [] };
  columnsOf(input).forEach(({ low, high }, i) => {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    low.forEach((value, at) => {
      if (value < least) least = value;
      if (high[at] > most) most = high[at];
    });
    if (least > most) [least, most] = [input.least[i], input.most[i]]; // no value here
    const lacking = LEAST_SHARE * (input.usual[i][1] - input.usual[i][0]) - (most - least);
    ranges.least.push(least - Math.max(0, lacking) / 2);
    ranges.most.push(most + Math.max(0, lacking) / 2);
  });
  near.set(input, ranges);
  return ranges;
}

/**
 * The columns in view and one on each side, first and one past the last.
 * @param {Chart} chart
 * @param {Api.InputView} input
 * @returns {[number, number]}
 */
function visible({ timeline: { view } }, { begin, stride }) {
  return [
    Math.max(0, Math.floor((view.from - begin) / stride) - 1),
    Math.ceil((view.to - begin) / stride) + 2,
  ];
}

/**
 * A channel's name and unit, and its least and greatest value where there is room.
 * @param {Chart} chart
 * @param {Api.InputView} input
 * @param {number} i
 * @param {string} name
 * @param {number} floor
 * @param {number} band
 */
function drawScale(chart, input, i, name, floor, band) {
  const { pen, hues, gutter } = chart;
  const unit = input.units?.[i];
  pen.font = `11px ${chart.font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.soft;
  const label = unit ? `${name}, ${unit}` : name;
  const scaled = band >= SCALED;
  pen.fillText(fitted(pen, label, gutter - 76), gutter - (scaled ? 60 : 12), floor - band / 2 + 7);
  pen.fillStyle = hues.rule;
  pen.fillRect(gutter, floor + 1, chart.wide, 1);
  if (!scaled) return;
  pen.font = `9.5px ${chart.font}`;
  pen.fillStyle = hues.faint;
  pen.fillText(short(input.most[i]), gutter - 8, floor - band + 15);
  pen.fillText(short(input.least[i]), gutter - 8, floor + 1);
  pen.fillRect(gutter - 4, floor - band + 7, 3, 1);
  pen.fillRect(gutter - 4, floor, 3, 1);
}

/**
 * The height of a value, the range of its channel filling its band.
 * @param {{least: readonly number[], most: readonly number[]}} ranges
 * @param {number} i the channel
 * @param {number} floor
 * @param {number} height
 */
export function heightScale({ least, most }, i, floor, height) {
  const range = most[i] - least[i] || 1;
  return (/** @type {number} */ value) => floor - ((value - least[i]) / range) * height;
}

/**
 * Draw a line through the values. Where several input steps share a column or a pixel, the line goes
 * over the least and the greatest of them, so that no peak is lost.
 * @param {CanvasRenderingContext2D} pen
 * @param {import("../../web/packed_columns.js").Columns} columns
 * @param {number} zero the left edge of column 0
 * @param {number} width of a column in pixels
 * @param {(value: number) => number} y
 * @param {[number, number]} range columns from one to another
 */
function trace(pen, { low, high }, zero, width, y, [from, to]) {
  pen.beginPath();
  const last = Math.min(to, low.length);
  const perPixel = Math.max(1, Math.floor(1 / width)); // columns that share a pixel
  const both = low !== high || perPixel > 1;
  let broken = true; // no line over missing values
  for (let column = from - (from % perPixel); column < last; column += perPixel) {
    let [least, most] = [low[column], high[column]];
    for (let at = column + 1; at < Math.min(last, column + perPixel); at += 1) {
      if (low[at] < least) least = low[at];
      if (high[at] > most) most = high[at];
    }
    if (Number.isNaN(least)) {
      broken = true;
      continue;
    }
    const x = zero + (column + perPixel / 2) * width;
    if (broken) pen.moveTo(x, y(least));
    else pen.lineTo(x, y(least));
    if (both) pen.lineTo(x, y(most));
    broken = false;
  }
  pen.stroke();
}
