// The viewport of a timeline, the order of its rows, its axis and its settings.

import assert from "node:assert/strict";
import { test } from "node:test";

import { tickStride, ticks } from "../../sparsetime/explorer/web/timeline_axis.js";
import { legend } from "../../sparsetime/explorer/web/timeline_layout.js";
import { endsGroup, firstFrom, sortRows } from "../../sparsetime/explorer/web/timeline_rows.js";
import {
  readSelection,
  readState,
  readView,
} from "../../sparsetime/explorer/web/timeline_state.js";
import { Viewport } from "../../sparsetime/explorer/web/viewport.js";

test("a view is at least eight steps and inside the sequence", () => {
  const view = new Viewport(0, 0, 100);
  view.place(50, 51);
  assert.deepEqual([view.from, view.to], [46.5, 54.5]);
  view.place(-20, 30);
  assert.deepEqual([view.from, view.to], [0, 50]);
  view.place(0, 1000);
  assert.deepEqual([view.from, view.to], [0, 100]);
  const short = new Viewport(0, 0, 3);
  short.place(1, 2);
  assert.deepEqual([short.from, short.to], [0, 3]);
});

test("zooming keeps a step where it is", () => {
  const view = new Viewport(20, 60, 100);
  view.zoom(0.5, 30);
  assert.deepEqual([view.from, view.to], [25, 45]);
  assert.equal((30 - view.from) / view.width, (30 - 20) / 40);
});

test("panning stops at the ends", () => {
  const view = new Viewport(20, 60, 100);
  view.pan(1e12);
  assert.deepEqual([view.from, view.to], [60, 100]);
  view.pan(-1e12);
  assert.deepEqual([view.from, view.to], [0, 40]);
});

test("the whole steps in view", () => {
  assert.deepEqual(new Viewport(2.5, 6.2, 100).steps, { first: 2, stop: 7 });
  assert.deepEqual(new Viewport(99.5, 100, 100).steps, { first: 99, stop: 100 });
});

/**
 * @param {number} feature
 * @param {Partial<Api.TimelineRow>} facts
 * @returns {Api.TimelineRow}
 */
const row = (feature, facts) => ({
  feature,
  part: "",
  label: "",
  words: [],
  name: "",
  named_by: "",
  dwell: 1,
  density: 0.1,
  energy: 0,
  place: 0,
  group: 0,
  columns: [],
  strengths: [],
  ...facts,
});

const ROWS = [
  row(1, { dwell: 2, columns: [5], energy: 0.5, place: 2, group: 1, part: "rest" }),
  row(2, { dwell: 9, columns: [], energy: 0.1, place: 0, group: 0, part: "first" }),
  row(3, { dwell: 4, columns: [1], energy: 0.4, place: 1, group: 0, part: "rest" }),
];

/**
 * @param {Parameters<typeof sortRows>[2]} state
 * @param {number[]} [pins]
 */
const order = (state, pins = []) => sortRows(ROWS, new Set(pins), state).map((r) => r.feature);

test("rows in each order", () => {
  assert.deepEqual(order({ sort: "timescale", group: "" }), [2, 3, 1]);
  assert.deepEqual(order({ sort: "entry", group: "" }), [3, 1, 2]);
  assert.deepEqual(order({ sort: "strength", group: "" }), [1, 3, 2]);
  assert.deepEqual(order({ sort: "coactivation", group: "" }), [2, 3, 1]);
});

test("pinned rows come first, groups come before the order", () => {
  assert.deepEqual(order({ sort: "timescale", group: "" }, [1]), [1, 2, 3]);
  assert.deepEqual(order({ sort: "strength", group: "part" }), [2, 1, 3]);
  assert.deepEqual(order({ sort: "strength", group: "together" }), [3, 2, 1]);
});

test("the last row of each group but the last one", () => {
  const rows = sortRows(ROWS, new Set(), { sort: "strength", group: "together" });
  const ends = rows.map((_, i) => endsGroup(rows, i, "together"));
  assert.deepEqual(ends, [false, true, false]);
  assert.equal(endsGroup(rows, 1, ""), false);
});

test("the first column from a column on, by bisection", () => {
  assert.equal(firstFrom([], 3), 0);
  assert.equal(firstFrom([1, 4, 9], 0), 0);
  assert.equal(firstFrom([1, 4, 9], 4), 1);
  assert.equal(firstFrom([1, 4, 9], 5), 2);
  assert.equal(firstFrom([1, 4, 9], 10), 3);
});

const NO_TIME = { start: 0, step: 1, time_unit: "" };

test("ticks at round times, which differ however large they are", () => {
  const late = { start: 1_700_000_000.03, step: 0.1, time_unit: "s" };
  const marks = ticks({ from: 0, to: 50 }, late, 8);
  assert.deepEqual(
    marks.map(({ label }) => label),
    ["1700000001", "1700000002", "1700000003", "1700000004", "1700000005"],
  );
  assert.ok(Math.abs(marks[0].step - 9.7) < 1e-5);
  const fine = ticks({ from: 0, to: 4 }, { start: 0.432, step: 0.1, time_unit: "s" }, 1);
  assert.deepEqual(
    fine.map(({ label }) => label),
    ["0.5", "0.6", "0.7", "0.8"],
  );
  const eeg = { start: 1_700_000_000, step: 1 / 128, time_unit: "s" };
  const labels = ticks({ from: 0, to: 60 }, eeg, 10).map(({ label }) => label);
  assert.deepEqual(labels.slice(0, 3), ["1700000000.0", "1700000000.1", "1700000000.2"]);
});

test("ticks at round numbers of steps where these are the time, counted from the passage's first", () => {
  assert.deepEqual(ticks({ from: 1, to: 12 }, NO_TIME, 4), [
    { step: 5, label: "5" },
    { step: 10, label: "10" },
  ]);
  const [tick] = ticks({ from: 0, to: 8 }, { ...NO_TIME, origin: 995 }, 5);
  assert.deepEqual(tick, { step: 0, label: "995" });
});

test("the legend names what is drawn and holds no figure of its own", () => {
  const entry = { key: "a", title: "A", note: "", parts: ["slow", "fast"] };
  for (const parts of [entry.parts, null]) {
    const timeline = {
      keys: ["a"],
      run: { unit: "token", step: null, time_unit: "" },
      dictionary: () => ({ entry: { ...entry, parts } }),
    };
    assert.doesNotMatch(legend(/** @type {any} */ (timeline)).textContent ?? "", /\d/);
  }
});

test("ticks are 1, 2 or 5 times a power of ten apart", () => {
  const cases = [
    [0.2, 1],
    [1, 1],
    [1.5, 2],
    [3, 5],
    [7, 10],
    [11, 20],
    [450, 500],
    [600, 1000],
  ];
  for (const [least, stride] of cases) assert.equal(tickStride(least), stride);
});

test("settings from the address, with defaults for what it lacks or does not know", () => {
  const defaults = {
    sort: "timescale",
    group: "",
    rows: 48,
    dense: false,
    follow: true,
    look: "",
  };
  assert.deepEqual(readState(new URLSearchParams("")), defaults);
  assert.deepEqual(readState(new URLSearchParams("sort=x&group=y&rows=z")), defaults);
  assert.equal(readState(new URLSearchParams("sort=likeness")).sort, "coactivation");
  assert.deepEqual(
    readState(new URLSearchParams("sort=entry&group=part&rows=120&dense=1&follow=0&look=heat")),
    { sort: "entry", group: "part", rows: 120, dense: true, follow: false, look: "heat" },
  );
});

test("steps in view and the selected segment from the address", () => {
  assert.deepEqual(readView(new URLSearchParams("from=3&to=9")), { from: 3, to: 9 });
  assert.ok(Number.isNaN(readView(new URLSearchParams("")).from));
  assert.deepEqual(readSelection(new URLSearchParams("span=3-9")), [3, 9]);
  assert.equal(readSelection(new URLSearchParams("")), null);
  assert.equal(readSelection(new URLSearchParams("span=9-3")), null);
});
