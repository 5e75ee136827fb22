// The attention view: cells as pixels, the cell of a step, and the order of heads.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  byteAt,
  bytesOf,
  cellOf,
  pixelsOf,
} from "../../sparsetime/explorer/views/attention/cells.js";
import { columnsOf, sorted } from "../../sparsetime/explorer/views/attention/heads.js";

const base64 = (/** @type {number[]} */ ...levels) => Buffer.from(levels).toString("base64");
/** @type {Record<string, [number, number, number]>} */
const HUES = { paper: [200, 200, 200], low: [0, 0, 100], high: [100, 0, 0], ink: [0, 0, 0] };
const hue = (/** @type {string} */ name) => HUES[name] ?? [0, 0, 0];
const EMPTY = { both: "", second: "", second_wasted: "", wasted: "" };

test("cells are mixed from the paper to the colour of their mass", () => {
  const map = {
    ...EMPTY,
    query_edges: [0, 1],
    key_edges: [0, 1, 2],
    kept: base64(255, 0),
    missed: base64(0, 51),
  };
  assert.deepEqual([...pixelsOf(map, hue, false)], [0, 0, 100, 255, 180, 160, 160, 255]);
  const alone = { ...map, kept: "" };
  assert.deepEqual([...pixelsOf(alone, hue, true)], [200, 200, 200, 255, 160, 160, 160, 255]);
});

test("pairs that are read for nothing are pale", () => {
  const map = {
    ...EMPTY,
    query_edges: [0, 1],
    key_edges: [0, 1],
    kept: "",
    missed: "",
    wasted: base64(255),
  };
  assert.deepEqual([...pixelsOf(map, hue, false)], [160, 160, 180, 255]);
});

test("one byte of an answer is the same as among all", () => {
  for (const answer of [base64(9, 8, 7, 6), base64(9, 8, 7, 6, 5), base64(9, 8, 7, 6, 5, 4)])
    assert.deepEqual(
      [...bytesOf(answer)].map((_, at) => byteAt(answer, at)),
      [...bytesOf(answer)],
    );
});

test("the cell of a step, of which the last may be shorter", () => {
  const edges = [10, 14, 18, 19];
  assert.deepEqual(
    [9, 10, 13, 14, 18, 19].map((step) => cellOf(edges, step)),
    [-1, 0, 0, 1, 2, -1],
  );
});

test("heads are sorted by a column, those without a value last", () => {
  const head = (/** @type {number | null} */ copying, /** @type {number} */ kept) =>
    /** @type {Api.AttentionHead} */ ({
      module: "a",
      layer: 0,
      head: 0,
      copying,
      distance: 1,
      entropy: 1,
      policies: [{ sparsity: 0.5, mass_kept: kept }],
    });
  const heads = [head(null, 0.1), head(0.2, 0.9), head(0.7, 0.4)];
  const view = /** @type {any} */ ({ entry: { policies: ["moba"] }, heads });
  const columns = columnsOf(view);
  const order = (/** @type {string} */ key) => {
    const column = columns.find((one) => one.key === key);
    assert.ok(column);
    return sorted(heads, column);
  };
  assert.deepEqual(order("copying"), [2, 1, 0]);
  assert.deepEqual(order("kept0"), [1, 2, 0]);
  assert.deepEqual(order("place"), [0, 1, 2]);
});
