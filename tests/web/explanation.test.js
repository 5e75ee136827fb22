// Explanations: a rule as chips, an accuracy as a bar, and words in context.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./page.js";
import { accuracyBar, chips } from "../../sparsetime/explorer/web/explanation.js";

test("a rule is chips with and within clauses and or between them", () => {
  const rule = chips({ clauses: [["token is a", "quoted"], ["shape is X"]], text: "" });
  assert.equal(rule.textContent, "token is aandquotedorshape is X");
  assert.equal(chips({ clauses: [], text: "words of joy" }).textContent, "words of joy");
});

test("a bar begins at one half, which says nothing", () => {
  const bar = accuracyBar(0.75, 0.5);
  assert.match(bar.textContent ?? "", /0\.75/);
  assert.equal(accuracyBar(null, null).textContent, "not scored");
});
