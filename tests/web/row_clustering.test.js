// Order and groups of rows: the same as the server's, on the same cases.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { clusterRows } from "../../sparsetime/explorer/web/row_clustering.js";

/** @type {{cells: {columns: number[], strengths: number[]}[], columns: number, place: number[], group: number[]}[]} */
const cases = JSON.parse(readFileSync(new URL("./row_clustering.json", import.meta.url), "utf8"));

for (const { cells, columns, place, group } of cases) {
  test(`${cells.length} rows over ${columns} columns`, () => {
    const rows = clusterRows(cells, columns);
    assert.deepEqual(
      rows.map((row) => row.place),
      place,
    );
    assert.deepEqual(
      rows.map((row) => row.group),
      group,
    );
  });
}

test("fewer than three rows stay in their order, each a group", () => {
  const cell = { columns: [0], strengths: [50] };
  assert.deepEqual(clusterRows([cell, cell], 4), [
    { place: 0, group: 0 },
    { place: 1, group: 1 },
  ]);
});
