// Scales of the lines of a series.

import assert from "node:assert/strict";
import test from "node:test";
import { rangesNear } from "../../sparsetime/explorer/lanes/series/lines.js";

/** @param {(number | null)[][]} low */
const input = (low, more = {}) =>
  /** @type {any} */ ({
    channels: low.map((_, i) => `${i}`),
    low,
    high: low,
    packed_low: "",
    usual: low.map(() => [-8, 8]),
    least: low.map(() => -5000),
    most: low.map(() => 4000),
    ...more,
  });

test("a channel is scaled by what is near, and not by an artefact elsewhere", () => {
  const { least, most } = rangesNear(
    input([
      [-3, 4, null],
      [7, 7.5],
    ]),
  );
  assert.deepEqual([least[0], most[0]], [-3, 4]);
  assert.deepEqual([least[1], most[1]], [6.25, 8.25], "a quiet one shows an eighth of the usual");
});

test("a channel without a value near has the scale of the whole", () => {
  const { least, most } = rangesNear(input([[null, null]]));
  assert.deepEqual([least, most], [[-5000], [4000]]);
});
