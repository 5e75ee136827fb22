// Many channels of a series as a heat map, a row a channel: values below its middle in one hue, above
// in the other; of several steps a column their amplitude, darker for larger. It is drawn once into a picture of a pixel a column, which scrolls at no cost.

import { pictureOf } from "../../web/colour_map.js";
import { columnsOf } from "../../web/packed_columns.js";
import { fitted } from "../../web/timeline_rows.js";

const LEAST_ROW = 4; // pixels of a channel
const MOST_ROW = 14;
const ROOM = 280; // pixels that the rows fill
const APART = 12; // pixels between two names

/** @param {Api.InputView} input */
const rowHeight = ({ channels: { length } }) =>
  Math.max(LEAST_ROW, Math.min(MOST_ROW, Math.floor(ROOM / length)));

/** @param {Api.InputView} input */
export const heatMapHeight = (input) => input.channels.length * rowHeight(input) + 10;

/**
 * @param {Chart} chart
 * @param {Api.InputView} input
 */
export function drawHeatMap(chart, input) {
  const { pen, hues, gutter, wide } = chart;
  const row = rowHeight(input);
  const count = input.channels.length;
  const all = columnsOf(input);
  const columns = all[0]?.low.length ?? 0;
  if (!columns) return;
  const several = all.some(({ low, high }) => low !== high);
  const colours = several ? [hues.paper, hues.ink] : [hues.low, hues.paper, hues.high];
  const shade = several ? amplitudeShades : valueShades;
  const picture = pictureOf(input, columns, count, colours, (shades) => {
    all.forEach((channel, i) => {
      shade(channel, input.usual[i], shades.subarray(i * columns, (i + 1) * columns));
    });
  });
  pen.save();
  pen.beginPath();
  pen.rect(gutter, 0, wide, heatMapHeight(input));
  pen.clip();
  pen.imageSmoothingEnabled = false;
  const left = chart.x(input.begin);
  const right = chart.x(input.begin + columns * input.stride);
  pen.drawImage(picture, left, 4, right - left, count * row);
  pen.restore();
  pen.font = `10px ${chart.font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.soft;
  const every = Math.ceil(APART / row);
  input.channels.forEach((name, i) => {
    if (i % every) return;
    pen.fillText(fitted(pen, name, gutter - 60), gutter - 12, 4 + i * row + Math.max(row, 9));
  });
  pen.textAlign = "left";
  pen.fillStyle = hues.faint;
  const floor = heatMapHeight(input) - 9;
  pen.fillText(several ? "darker: larger amplitude" : "below and above its middle", 12, floor);
}

/**
 * Shades of values: 127.5 in the middle of most of them, 0 and 255 beyond most.
 * @param {import("../../web/packed_columns.js").Columns} channel
 * @param {readonly [number, number]} usual
 * @param {Float32Array} shades
 */
function valueShades({ low }, [least, most], shades) {
  const middle = (least + most) / 2;
  const half = (most - least) / 2 || 1;
  low.forEach((value, at) => {
    shades[at] = 127.5 + (Number.isNaN(value) ? 0 : (127.5 * (value - middle)) / half);
  });
}

/**
 * Shades of amplitudes, greatest less least value: from 0 for small ones to 255 for large ones of
 * the channel, its percentiles 5 and 95.
 * @param {import("../../web/packed_columns.js").Columns} channel
 * @param {readonly [number, number]} _usual
 * @param {Float32Array} shades
 */
function amplitudeShades({ low, high }, _usual, shades) {
  const amplitudes = low.map((least, at) => high[at] - least);
  const sorted = amplitudes.filter((value) => !Number.isNaN(value)).sort();
  const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [small, large] = [at(0.05), at(0.95)];
  amplitudes.forEach((value, column) => {
    shades[column] = (255 * (value - small)) / (large - small || 1);
  });
}
