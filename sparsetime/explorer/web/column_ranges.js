// Ranges of the columns of feature tables, by which a list of features is filtered.

import { h, plural, short } from "./dom.js";
import { here } from "./router.js";

const FEW = 3; // columns, whose ranges are open at first

/** @typedef {Map<string, string>} ColumnRanges `column:least:most` by column; an empty bound is none */

/** @returns {ColumnRanges} as the address says */
export function readRanges() {
  const texts = (here().get("range") ?? "").split(",").filter(Boolean);
  return new Map(texts.map((text) => [text.split(":")[0], text]));
}

/**
 * The value of a feature in a column of a feature table or of the index; null where it has none.
 * @param {Api.FeatureLine} line
 * @param {string} column
 * @returns {unknown}
 */
export const columnValue = (line, column) =>
  line.columns?.[column] ?? /** @type {any} */ (line)[column] ?? null;

/**
 * Whether a feature's value lies in a range `column:least:most`; none without a value does.
 * @param {Api.FeatureLine} line
 * @param {string} range
 */
export function inRange(line, range) {
  const [column, least, most] = range.split(":");
  const value = columnValue(line, column);
  if (typeof value !== "number") return false;
  return (!least || value >= Number(least)) && (!most || value <= Number(most));
}

/**
 * The ranges of all columns, below a line that opens them; null without columns.
 * @param {Api.FeatureColumn[]} columns
 * @param {ColumnRanges} ranges
 * @param {(ranges: ColumnRanges) => void} change
 */
export function columnRanges(columns, ranges, change) {
  if (!columns.length) return null;
  const fields = columns.map((column) => columnRange(column, ranges, change));
  const summary = h("summary", {}, `Filter by ${plural(columns.length, "column")}`);
  const details = h("details.ranges", {}, summary, h("div", {}, fields));
  details.open = columns.length <= FEW || ranges.size > 0;
  return details;
}

/**
 * Two fields for the least and the most value of a column.
 * @param {Api.FeatureColumn} column
 * @param {ColumnRanges} ranges
 * @param {(ranges: ColumnRanges) => void} change
 */
function columnRange({ name, unit, definition, least, most }, ranges, change) {
  const [, low = "", high = ""] = (ranges.get(name) ?? "").split(":");
  const changed = () => {
    const [from, to] = fields.map((field) => field.value);
    if (from || to) ranges.set(name, `${name}:${from}:${to}`);
    else ranges.delete(name);
    change(ranges);
  };
  const field = (
    /** @type {string} */ bound,
    /** @type {string} */ value,
    /** @type {number | null} */ limit,
  ) =>
    h("input", {
      type: "number",
      step: "any",
      value,
      placeholder: limit === null ? "" : short(limit),
      "aria-label": `${bound} ${name}`,
      input: changed,
    });
  const fields = [field("least", low, least), field("most", high, most)];
  const title = h("span.count", { title: definition }, unit ? `${name} (${unit})` : name);
  return h("div.controls.column", {}, title, fields[0], "to", fields[1]);
}
