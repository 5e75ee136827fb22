// The settings of a timeline, read from the address and written to it.

import { remember } from "./router.js";
import { SORTS } from "./timeline_rows.js";

const DEFAULT_ROWS = 48;

/**
 * @typedef {{from: number, to: number}} View steps in view, which may be fractions
 * @typedef {"" | "part" | "together"} Grouping
 * @typedef {object} TimelineState
 * @property {import("./timeline_rows.js").Sort} sort
 * @property {Grouping} group
 * @property {number} rows
 * @property {boolean} dense whether features active on most steps are shown
 * @property {string} look how the input is drawn, of its lane's `looks`; "" for the lane to choose
 * @property {boolean} follow whether rows are chosen again for each view
 */

/**
 * @param {URLSearchParams} query
 * @returns {TimelineState}
 */
export function readState(query) {
  const wanted = query.get("sort") === "likeness" ? "coactivation" : query.get("sort"); // of 0.1.0
  const sort = SORTS.find(([name]) => name === wanted)?.[0] ?? "timescale";
  const group = query.get("group");
  return {
    sort,
    group: group === "part" || group === "together" ? group : "",
    rows: Number(query.get("rows")) || DEFAULT_ROWS,
    dense: query.get("dense") === "1",
    look: query.get("look") ?? "",
    follow: query.get("follow") !== "0",
  };
}

/**
 * The steps in view; NaN where the address has none.
 * @param {URLSearchParams} query
 * @returns {View}
 */
export function readView(query) {
  const step = (/** @type {string} */ name) => Number(query.get(name) ?? Number.NaN);
  return { from: step("from"), to: step("to") };
}

/**
 * The selected segment, its first step and the step after its last.
 * @param {URLSearchParams} query
 * @returns {[number, number] | null}
 */
export function readSelection(query) {
  const [first, stop] = (query.get("span") ?? "").split("-").map(Number);
  return stop > first ? [first, stop] : null;
}

/**
 * Write a timeline's settings to the address; defaults are left out.
 * @param {import("./timeline.js").Timeline} timeline
 */
export function writeState({ keys, sequence, view, state, pins, selection }) {
  const { sort, group, rows, dense, follow, look } = state;
  remember({
    d: keys.join(","),
    s: sequence,
    from: Math.round(view.from),
    to: Math.round(view.to),
    sort: sort === "timescale" ? "" : sort,
    group,
    rows: rows === DEFAULT_ROWS ? "" : rows,
    dense: dense ? "1" : "",
    look,
    follow: follow ? "" : "0",
    pins: [...pins].join(","),
    span: selection ? selection.join("-") : "",
  });
}
