// Elements, and numbers as text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { h, latest, nameOf, percent, plural, short } from "../../sparsetime/explorer/web/dom.js";

test("a share as a percentage with two or three figures", () => {
  const cases = /** @type {const} */ ([
    [0, "0%"],
    [1, "100%"],
    [0.5, "50.0%"],
    [0.1234, "12.3%"],
    [0.01234, "1.2%"],
    [0.00012, "0.012%"],
    [0.00002, "0.002%"],
  ]);
  for (const [share, text] of cases) assert.equal(percent(share), text);
});

test("a number as three figures with a letter for its thousands", () => {
  const cases = /** @type {const} */ ([
    [null, "–"],
    [Number.NaN, "–"],
    [0, "0"],
    [27.182818, "27.2"],
    [0.0012345, "0.00123"],
    [1234, "1,234"],
    [12345, "12.3k"],
    [2.5e6, "2.5M"],
    [-7e9, "-7G"],
  ]);
  for (const [value, text] of cases) assert.equal(short(value), text);
});

test("a count with its noun", () => {
  assert.equal(plural(1, "token"), "1 token");
  assert.equal(plural(0, "token"), "0 tokens");
  assert.equal(plural(1200, "token"), "1,200 tokens");
});

test("a feature's name: a person's, else a label of a table, else its words, else its number", () => {
  const feature = { feature: 7, label: "", words: ["a", "b", "c", "d", "e"] };
  assert.equal(nameOf(feature), "a, b, c, d");
  assert.equal(nameOf(feature, 2), "a, b");
  assert.equal(nameOf({ ...feature, label: "vowels" }), "vowels");
  assert.equal(nameOf({ ...feature, words: [] }), "feature 7");
  /** @type {NamedFeature} */
  const labelled = { ...feature, name: "letters", named_by: "label" };
  assert.equal(nameOf(labelled), "letters");
  assert.equal(nameOf({ ...labelled, label: "vowels" }), "vowels");
  assert.equal(nameOf({ ...labelled, named_by: "rule" }), "a, b, c, d");
});

test("an element with classes, attributes, listeners and children", () => {
  let clicks = 0;
  const click = () => {
    clicks += 1;
  };
  const link = h("a.line.high", { href: "/features", hidden: true, title: null, click }, "x", [
    h("b", {}, 1),
    null,
    undefined,
  ]);
  assert.equal(link.outerHTML, '<a class="line high" href="/features" hidden="">x<b>1</b></a>');
  link.dispatchEvent(new (document.defaultView ?? globalThis).Event("click"));
  assert.equal(clicks, 1);
});

test("only the last request of a kind counts, and other kinds count apart", () => {
  const [ask, askOther] = [latest(), latest()];
  const first = ask();
  const other = askOther();
  assert.ok(first());
  const second = ask();
  assert.deepEqual([first(), second(), other()], [false, true, true]);
});
