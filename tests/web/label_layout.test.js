// Layout of the words over the timeline.

import assert from "node:assert/strict";
import { test } from "node:test";

import { labelled, spread, thinned } from "../../sparsetime/explorer/web/label_layout.js";

test("pieces of a word are one label, punctuation has none", () => {
  const text = { first: 5, words: ["un", "described", ",", "a"], gaps: ["", "", "", " "] };
  assert.deepEqual(labelled(text), [
    { text: "undescribed", from: 5, to: 7, long: 0 },
    { text: "a", from: 8, to: 9 },
  ]);
});

test("a piece after white space starts a label", () => {
  const text = { first: 0, words: ["one", "two"], gaps: ["", " "] };
  assert.deepEqual(
    labelled(text).map((label) => label.text),
    ["one", "two"],
  );
});

test("a long word is cut to sixteen letters", () => {
  const [label] = labelled({ first: 0, words: ["a".repeat(40)], gaps: [""] });
  assert.equal(label.text.length, 16);
  assert.ok(label.text.endsWith("…"));
});

test("in text without spaces each token has a label", () => {
  const gaps = Array(12).fill("");
  const protein = labelled({ first: 0, words: [..."MKTAYIAKQRQI"], gaps });
  assert.deepEqual(
    protein.map(({ text, from, to }) => [text, from, to]),
    [..."MKTAYIAKQRQI"].map((letter, i) => [letter, i, i + 1]),
  );
  assert.ok(protein.every((label, i) => label.long === i));
  const chinese = labelled({ first: 3, words: ["天气", "很", "好"], gaps: ["", "", ""] });
  assert.deepEqual(
    chinese.map(({ text, from }) => [text, from]),
    [
      ["天气", 3],
      ["很", 4],
      ["好", 5],
    ],
  );
});

/** A hundred labels of one step each, every second one long. */
const LABELS = [...Array(100).keys()].map((from) =>
  from % 2
    ? { text: "word", from, to: from + 1, long: (from - 1) / 2 }
    : { text: "a", from, to: from + 1 },
);

test("labels in view, all of them where they have room", () => {
  assert.deepEqual(
    thinned(LABELS, 10.5, 13, 10).map((label) => label.from),
    [10, 11, 12],
  );
});

test("little words go first, then every second long one, and never more than have room", () => {
  assert.ok(thinned(LABELS, 0, 100, 60).every((label) => label.long !== undefined));
  assert.equal(thinned(LABELS, 0, 100, 60).length, 50);
  assert.equal(thinned(LABELS, 0, 100, 30).length, 25);
  for (const room of [1, 3, 12, 49, 99]) assert.ok(thinned(LABELS, 0, 100, room).length <= room);
});

test("a narrower view keeps every label that it shared with the wider one", () => {
  const wide = thinned(LABELS, 0, 100, 20);
  const narrow = thinned(LABELS, 30, 70, 20);
  for (const label of wide) {
    if (label.from >= 30 && label.to <= 70) assert.ok(narrow.includes(label));
  }
});

test("positions with room stay", () => {
  assert.deepEqual(spread([0, 20, 40], 10, 100), [0, 20, 40]);
});

test("two positions too near move apart by the same distance", () => {
  assert.deepEqual(spread([50, 50], 10, 100), [45, 55]);
  assert.deepEqual(spread([50, 52, 90], 10, 100), [46, 56, 90]);
});

test("positions stay inside the limits and at least `apart` from one another", () => {
  assert.deepEqual(spread([0, 0, 0], 10, 100), [0, 10, 20]);
  assert.deepEqual(spread([99, 100], 10, 100), [90, 100]);
  const places = spread([1, 2, 3, 50, 51, 97, 98, 99], 10, 100);
  for (let i = 1; i < places.length; i += 1) assert.ok(places[i] - places[i - 1] >= 10 - 1e-9);
  assert.ok(places[0] >= 0);
});
