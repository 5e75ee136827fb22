// Columns of a series as the API packs them: base64 of uint16 levels between least and most.

const MISSING = 65535;

/** @typedef {{low: Float32Array, high: Float32Array}} Columns of one channel; NaN without a value */

/** @type {WeakMap<Api.InputView, Columns[]>} */
const decoded = new WeakMap();

/**
 * The least and the greatest value of each channel in every column of a series.
 * @param {Api.InputView} input
 * @returns {Columns[]} one a channel
 */
export function columnsOf(input) {
  const known = decoded.get(input);
  if (known) return known;
  const columns = input.packed_low ? unpacked(input) : listed(input);
  decoded.set(input, columns);
  return columns;
}

/**
 * A series with its values in lists, as lanes of users read them.
 * @param {Api.InputView} input
 * @returns {Api.InputView}
 */
export function asLists(input) {
  if (!input.packed_low) return input;
  const columns = columnsOf(input);
  const lists = (/** @type {"low" | "high"} */ side) =>
    columns.map((channel) => [...channel[side]].map((v) => (Number.isNaN(v) ? null : v)));
  return /** @type {any} */ ({
    ...input,
    packed_low: "",
    packed_high: "",
    low: lists("low"),
    high: lists("high"),
  });
}

/** @param {Api.InputView} input */
function listed({ low, high }) {
  const numbers = (/** @type {readonly (number | null)[]} */ values) =>
    Float32Array.from(values, (value) => value ?? Number.NaN);
  return low.map((values, i) => ({ low: numbers(values), high: numbers(high[i]) }));
}

/** @param {Api.InputView} input */
function unpacked({ packed_low, packed_high, channels, columns, least, most }) {
  const low = levels(packed_low);
  const high = packed_high ? levels(packed_high) : low;
  return channels.map((_, i) => {
    const values = (/** @type {Uint16Array} */ all) =>
      Float32Array.from(all.subarray(i * columns, (i + 1) * columns), (level) =>
        level === MISSING
          ? Number.NaN
          : least[i] + (level / (MISSING - 1)) * (most[i] - least[i] || 1),
      );
    const lowest = values(low);
    return { low: lowest, high: high === low ? lowest : values(high) };
  });
}

/** @param {string} base64 */
function levels(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

/**
 * The columns that share time with a step, first and one past the last, within those that exist.
 * @param {Pick<Api.InputView, "begin" | "stride" | "columns">} input
 * @param {number} step
 */
export function columnsAt({ begin = 0, stride = 1, columns = 0 }, step) {
  const first = Math.max(0, Math.floor((step - begin) / stride + 1e-6));
  const stop = Math.min(
    columns,
    Math.max(first + 1, Math.ceil((step + 1 - begin) / stride - 1e-6)),
  );
  return { first, stop };
}

/**
 * The least and the greatest value of a channel over a step; null where there is none.
 * @param {Api.InputView} input
 * @param {number} channel
 * @param {number} step
 * @returns {[number, number] | null}
 */
export function valuesAt(input, channel, step) {
  const { low, high } = columnsOf(input)[channel];
  const { first, stop } = columnsAt({ ...input, columns: low.length }, step);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = first; at < stop; at += 1) {
    if (low[at] < least) least = low[at];
    if (high[at] > most) most = high[at];
  }
  return least <= most ? [least, most] : null;
}
