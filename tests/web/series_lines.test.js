// Scales of the lines of a series, on the timeline and in activating examples.

import assert from "node:assert/strict";
import test from "node:test";
import { example } from "../../sparsetime/explorer/lanes/series/example.js";
import { drawLines, rangesNear } from "../../sparsetime/explorer/lanes/series/lines.js";

const HUE = /** @type {any} */ ("violet");

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

test("lines and the numbers beside them have the scale of what is near", () => {
  /** @type {string[]} */
  const texts = [];
  /** @type {number[]} */
  const heights = [];
  const draws = {
    measureText: () => ({ width: 0 }),
    fillText: (/** @type {string} */ text) => texts.push(text),
    moveTo: (/** @type {number} */ _, /** @type {number} */ y) => heights.push(y),
    lineTo: (/** @type {number} */ _, /** @type {number} */ y) => heights.push(y),
  };
  const pen = new Proxy(draws, { get: (own, name) => Reflect.get(own, name) ?? (() => {}) });
  const timeline = { view: { from: 0, to: 3 }, length: 3 };
  const chart = { pen, hues: {}, gutter: 90, wide: 30, pitch: 10, top: 60, timeline };
  Object.assign(globalThis, { devicePixelRatio: 1 });
  drawLines(
    /** @type {any} */ ({ ...chart, x: (/** @type {number} */ step) => 90 + 10 * step }),
    input([[-3, 4, 0]], { begin: 0, stride: 1 }),
  );
  assert.deepEqual(texts, ["0", "4", "-3"]);
  assert.ok(Math.max(...heights) - Math.min(...heights) > 40, `${heights}`);
});

test("an artefact elsewhere makes no example flat, and examples have one scale", () => {
  const moment = { strengths: [0, 100, 0], time: "1 s", here: 1, first: 0 };
  const heights = [8, 4].map((most) => {
    const near = input([[-most, most, 0]], { begin: 0, stride: 1, hidden: 0 });
    const drawn = example(/** @type {any} */ ({ ...moment, input: near }), HUE);
    const line = /** @type {any} */ (drawn).querySelector("polyline").getAttribute("points");
    const y = line.split(" ").map((/** @type {string} */ point) => Number(point.split(",")[1]));
    return Math.max(...y) - Math.min(...y);
  });
  assert.deepEqual(
    heights.map((height) => height.toFixed(1)),
    ["39.0", "19.5"],
  );
});
