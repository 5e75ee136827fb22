// Places of names beside the points of a chart.

import assert from "node:assert/strict";
import { test } from "node:test";

import { namePlaces } from "../../sparsetime/explorer/web/point_labels.js";

test("a name alone stands above its point", () => {
  assert.deepEqual(namePlaces([{ title: "TopK", x: 100, y: 50 }], 300), ["top center"]);
});

test("names of neighbours cover neither each other nor their points", () => {
  const points = [
    { title: "Temporal SAE (T-SAE)", x: 100, y: 60 },
    { title: "Delta dictionary", x: 140, y: 56 },
  ];
  assert.deepEqual(namePlaces(points, 500), ["bottom center", "top center"]);
});

test("a name that would leave the chart stands inside", () => {
  const edge = { title: "a long name of a dictionary", x: 290, y: 50 };
  assert.deepEqual(namePlaces([edge], 300), ["middle left"]);
  assert.deepEqual(namePlaces([{ ...edge, x: 10 }], 300), ["middle right"]);
});

test("a name keeps off the points of others", () => {
  const points = [
    { title: "TopK", x: 100, y: 60 },
    { title: "other", x: 100, y: 45 },
  ];
  assert.equal(namePlaces(points, 300)[0], "bottom center");
});
