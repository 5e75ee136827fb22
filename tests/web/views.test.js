// Pure parts of the views: the Pareto front, ticks of a history, and input of the live view.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decades } from "../../sparsetime/explorer/panels/history/panel.js";
import { places, pruned } from "../../sparsetime/explorer/views/circuit/layout.js";
import { paretoFront } from "../../sparsetime/explorer/views/compare/pareto.js";
import { cutNote } from "../../sparsetime/explorer/views/compare/view.js";
import { parseInput, stateText } from "../../sparsetime/explorer/views/live/typed_input.js";

test("the Pareto front from left to right, equal points on it twice", () => {
  const points = [
    { x: 3, y: 1 },
    { x: 1, y: 3 },
    { x: 2, y: 2 },
    { x: 2, y: 4 },
    { x: 2, y: 2 },
  ];
  assert.deepEqual(
    paretoFront(points).map((point) => [point.x, point.y]),
    [
      [1, 3],
      [2, 2],
      [2, 2],
      [3, 1],
    ],
  );
});

test("powers of ten between the stages, or the ends where there are fewer than two", () => {
  assert.deepEqual(decades([{ rows: 50 }, { rows: 20000 }]), [100, 1000, 10000]);
  assert.deepEqual(decades([{ rows: 200 }, { rows: 900 }]), [200, 900]);
});

test("a text is run as it is", () => {
  assert.equal(parseInput("  \n", true), null);
  assert.deepEqual(parseInput(" a b", true), { text: " a b" });
});

test("a series in rows of numbers, without the row of names", () => {
  assert.deepEqual(parseInput("a, b\n1, 2\n3; 4\n\n5\t6\n", false), {
    values: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  });
});

test("what a live run waits for", () => {
  assert.match(stateText({ state: "loading", ahead: 3 }), /model is being loaded/);
  assert.match(stateText({ state: "waiting", ahead: 1 }), /1 run of other pages/);
  assert.match(stateText({ state: "waiting", ahead: 2 }), /2 runs of other pages/);
});

test("a list that is cut says of how much", () => {
  const empty = { matches: [], splits_left: [], splits_right: [], alone_left: [], alone_right: [] };
  const counts = { shared: 1200, split_left: 0, split_right: 0, only_left: 0, only_right: 7 };
  const answer = /** @type {any} */ ({ ...empty, ...counts, matches: Array(60), alone_right: [1] });
  assert.equal(cutNote(answer, "shared"), "Shown: 60 of 1,200.");
  assert.equal(cutNote(answer, "split"), "");
  assert.equal(cutNote(answer, "only"), "Shown: 1 of 7.");
});

/** @param {Partial<Api.CircuitNode>} changes */
const circuitNode = (changes) => ({
  ...{ id: 0, kind: "feature", row: 0, step: 0, latent: 0, value: 0, label: "" },
  ...{ influence: 1, dictionary: "", predicted: [], measured: [] },
  ...changes,
});

test("a circuit keeps its largest nodes with their edges, and all tokens and targets", () => {
  const nodes = [
    circuitNode({ id: 1, kind: "token", influence: 0 }),
    circuitNode({ id: 2, influence: 6 }),
    circuitNode({ id: 3, influence: 3 }),
    circuitNode({ id: 4, influence: 1 }),
    circuitNode({ id: 5, kind: "target", row: 1, influence: 0 }),
  ];
  const edge = (/** @type {number} */ source, /** @type {number} */ target, influence = 1) => ({
    ...{ source, target, weight: 1, influence },
  });
  const edges = [edge(1, 2), edge(2, 5), edge(3, 5), edge(4, 5)];
  const ids = (/** @type {number} */ share) =>
    pruned(nodes, edges, share, 1).nodes.map((n) => n.id);
  assert.deepEqual(ids(0.5), [1, 2, 5]);
  assert.deepEqual(ids(0.7), [1, 2, 3, 5]);
  assert.deepEqual(ids(1), [1, 2, 3, 4, 5]);
  assert.equal(pruned(nodes, edges, 0.5, 1).edges.length, 2);
});

test("nodes of a circuit stand at their step, tokens at the bottom, biases left of the first", () => {
  const nodes = [
    circuitNode({ id: 1, kind: "token", step: 1 }),
    circuitNode({ id: 2, row: 1, step: 1 }),
    circuitNode({ id: 3, kind: "bias", step: -1 }),
  ];
  const { at, height } = places(nodes, 3, 2, 50, 100);
  const place = (/** @type {number} */ id) => at.get(id) ?? { x: 0, y: 0 };
  assert.equal(place(1).x, 175);
  assert.equal(place(2).x, 175);
  assert.ok(place(2).y < place(1).y && place(1).y < height);
  assert.ok(place(3).x < 100);
});

test("cells of a metric share a scale that holds 0, values, intervals and nulls", async () => {
  const { extent, inWords } = await import("../../sparsetime/explorer/views/evaluation/view.js");
  const cell = { text: "", value: 0.3, low: 0.1, high: 0.5, null: -0.2 };
  const bare = { text: "left out", value: null, low: null, high: null, null: null };
  assert.deepEqual(extent([cell, null, bare]), [-0.2, 0.5]);
  assert.deepEqual(extent([bare]), [0, 0]);
  assert.equal(inWords(cell), "95% interval 0.1 to 0.5; null -0.2");
  assert.equal(inWords(bare), "");
});
