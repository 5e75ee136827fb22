// Times and durations as text: as many digits as neighbouring times differ by.
//
// The same as sparsetime/time_text.py, by the same operations on doubles; both are tested on the
// cases of tests/web/time_text.json.

const SIGNIFICANT = 100; // a step is shown to three significant figures
const MOST = 12; // digits after the point
const MOST_OF_START = 3; // digits after the point that a start may add to those of the step

/**
 * Digits after the point that tell times `step` apart which begin at `start`.
 * @param {number} step
 * @param {number} [start]
 */
export const timeDecimals = (step, start = 0) =>
  Math.max(decimalsOf(step), Math.min(MOST_OF_START, decimalsOf(start - Math.floor(start))));

/**
 * A time so that it differs from the one a `step` later.
 * @param {number} time
 * @param {number} step
 * @param {number} [start]
 */
export const timeText = (time, step, start = 0) => rounded(time, timeDecimals(step, start));

/**
 * A duration to three significant figures without an exponent; four from 1,000 on.
 * @param {number} duration
 */
export function durationText(duration) {
  const size = Math.abs(duration);
  if (!Number.isFinite(size)) return "–";
  if (size >= 1000) return Math.floor(duration + 0.5).toLocaleString("en");
  return rounded(duration, size ? decimalsOf(leading(size)) : 0);
}

/**
 * A number as it is to three significant figures, by rounding its digits after the point.
 * @param {number} size
 */
function leading(size) {
  let decimals = 0;
  while (size * 10 ** decimals < SIGNIFICANT && decimals < MOST) decimals += 1;
  return Math.floor(size * 10 ** decimals + 0.5) / 10 ** decimals;
}

/**
 * Digits after the point of a number to three significant figures, without zeros at its end.
 * @param {number} number
 */
function decimalsOf(number) {
  if (!(Number.isFinite(number) && number > 0)) return 0;
  let decimals = 0;
  while (number * 10 ** decimals < SIGNIFICANT && decimals < MOST) decimals += 1;
  let digits = Math.floor(number * 10 ** decimals + 0.5);
  while (decimals > 0 && digits % 10 === 0) {
    digits /= 10;
    decimals -= 1;
  }
  return decimals;
}

/**
 * A number with these digits after the point; halves are rounded up.
 * @param {number} number
 * @param {number} decimals
 */
const rounded = (number, decimals) =>
  (Math.floor(number * 10 ** decimals + 0.5) / 10 ** decimals).toFixed(decimals);
