// Timelines from codes in the page: row choice and enrichment as the server's, columns and strides.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { LocalCodes } from "../../sparsetime/explorer/web/local_codes.js";

/**
 * @typedef {object} Case
 * @property {number} width
 * @property {number[]} dwell
 * @property {number[]} density
 * @property {number[]} peak
 * @property {number[]} groups
 * @property {number[]} offsets
 * @property {number[]} features
 * @property {number[]} percents
 * @property {number} rows
 * @property {number[]} chosen
 * @property {number[]} enriched
 * @property {number[]} nats
 */

/** @type {Case[]} also read by tests/explorer/test_shared_cases.py */
const CASES = JSON.parse(readFileSync(new URL("./row_choice.json", import.meta.url), "utf8"));

/** @param {Case} shared */
function codesOf({ width, dwell, density, peak, groups, ...codes }) {
  const table = new Map();
  for (let feature = 0; feature < width; feature += 1) {
    const part = groups.length < 2 ? "" : feature < groups[0] ? "first" : "rest";
    const facts = { dwell: dwell[feature], density: density[feature], peak: peak[feature] };
    table.set(feature, { feature, part, label: "", words: [], ...facts });
  }
  return new LocalCodes(table, codes);
}

for (const shared of CASES) {
  test(`the server's rows and enrichment at width ${shared.width}, ${shared.rows} rows`, () => {
    const codes = codesOf(shared);
    const { rows } = codes.timeline({ rows: shared.rows });
    assert.deepEqual(
      rows.map((row) => row.feature),
      shared.chosen,
    );
    const enriched = codes.specific({ first: 0, stop: codes.length, limit: shared.width });
    assert.deepEqual(
      enriched.map(({ feature }) => feature),
      shared.enriched,
    );
    enriched.forEach(({ nats }, i) => {
      assert.ok(Math.abs(nats - shared.nats[i]) <= 1e-6 * shared.nats[i]);
    });
  });
}

/** Feature 1 is active on steps 0 to 3 with 10, 20, 30 and 40 percent, feature 2 on step 5. */
function small() {
  const codes = new LocalCodes(new Map());
  for (const [features, percents] of [
    [[1], [10]],
    [[1], [20]],
    [[1], [30]],
    [[1], [40]],
    [[], []],
    [[2], [100]],
  ])
    codes.push(features, percents);
  return codes;
}

test("a column of several steps has their largest activation", () => {
  const { stride, rows, length } = small().timeline({ columns: 3, rows: 0, also: [1] });
  assert.deepEqual([stride, length], [2, 6]);
  assert.deepEqual(rows[0].columns, [0, 1]);
  assert.deepEqual(rows[0].strengths, [20, 40]);
});

test("reach adds steps on both sides, inside the sequence", () => {
  const { first, stop, rows, active_features } = small().timeline({
    first: 4,
    stop: 6,
    reach: 3,
    rows: 9,
  });
  assert.deepEqual([first, stop, active_features], [1, 6, 1]);
  assert.deepEqual(
    rows.map((row) => [row.feature, row.columns]),
    [[2, [4]]],
  );
});

test("energy is a share of the segment's", () => {
  const { rows } = small().timeline({ rows: 9 });
  const total = 100 + 400 + 900 + 1600 + 10000;
  const energy = new Map(rows.map((row) => [row.feature, row.energy]));
  assert.equal(energy.get(1), 3000 / total);
  assert.equal(energy.get(2), 10000 / total);
});

test("features that are active on most steps are left out, unless they are asked for", () => {
  const facts = { part: /** @type {const} */ (""), label: "", words: [], dwell: 1, peak: 1 };
  const table = new Map([[3, { ...facts, density: 0.9 }]]);
  const codes = new LocalCodes(table, { offsets: [0, 1], features: [3], percents: [50] });
  assert.equal(codes.timeline({ rows: 5 }).rows.length, 0);
  assert.equal(codes.timeline({ rows: 5, densest: 1 }).rows.length, 1);
  assert.equal(codes.timeline({ rows: 5, also: [3] }).rows.length, 1);
});

test("rows of the query come first, and those that the rule chooses stay in its order", () => {
  const codes = new LocalCodes(new Map());
  codes.push([1, 2, 3], [10, 20, 30]);
  const order = (/** @type {number} */ rows, /** @type {number[]} */ also) =>
    codes.timeline({ rows, also }).rows.map(({ feature }) => feature);
  assert.deepEqual(order(9, [3]), [1, 2, 3]);
  assert.deepEqual(order(9, [7, 2, 7]), [7, 1, 2, 3]);
});

/** @type {{percent: number}[]} also read by tests/explorer/test_peak_percent.py */
const PERCENTS = JSON.parse(readFileSync(new URL("./peak_percent.json", import.meta.url), "utf8"));

test("a timeline draws the server's whole percents of the peak, unchanged", () => {
  const percents = PERCENTS.map(({ percent }) => percent).filter((percent) => percent > 0);
  const codes = new LocalCodes(new Map());
  for (const percent of percents) codes.push([7], [percent]);
  assert.deepEqual(codes.timeline({ rows: 0, also: [7] }).rows[0].strengths, percents);
});
