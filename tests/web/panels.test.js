// Panels and streams: what they say where something is missing, and inputs of any length.

import assert from "node:assert/strict";
import test from "node:test";
import needsTime from "../../sparsetime/explorer/panels/needs_time/panel.js";
import rhythm from "../../sparsetime/explorer/panels/rhythm/panel.js";
import triggeredAverage from "../../sparsetime/explorer/panels/triggered_average/panel.js";
import { Samples } from "../../sparsetime/explorer/views/live/samples.js";
import { Stream } from "../../sparsetime/explorer/views/live/stream.js";

const run = /** @type {any} */ ({
  unit: "step",
  step: 0.5,
  time_unit: "s",
  sequence_name: "recording",
});
const settled = () => new Promise((done) => setTimeout(done));

/**
 * @param {Promise<unknown>} answer
 * @returns {any}
 */
const pageOf = (answer) => ({ run, unit: "step", hue: "plain", answer: () => answer });

/** @param {object} changes */
const rhythmAnswer = (changes) =>
  Promise.resolve({
    frequencies: [0, 0.5, 1],
    power: [0.2, 0.5, 0.3],
    null: [0.3, 0.4, 0.3],
    unit: "Hz",
    period: null,
    reason: "",
    sequences: 2,
    ...changes,
  });

for (const [sequences, note] of /** @type {const} */ ([
  [2, "It has no beat beyond chance."],
  [1, "A beat is tested in two recordings or more."],
]))
  test(`the rhythm of ${sequences} recordings says: ${note}`, async () => {
    const element = /** @type {any} */ (rhythm(pageOf(rhythmAnswer({ sequences }))));
    await settled();
    assert.ok(element.textContent.includes(note), element.textContent);
  });

for (const panel of [rhythm, triggeredAverage])
  test(`${panel.name} shows why there is no answer`, async () => {
    const element = /** @type {any} */ (panel(pageOf(Promise.reject(new Error("It is damaged.")))));
    await settled();
    assert.ok(element.textContent.includes("It is damaged."));
    assert.equal(element.hidden, false);
  });

test("a stream takes a file of more samples than a call takes arguments", () => {
  const nothing = async () => {};
  const stream = new Stream({
    key: "a",
    run,
    steps: new Samples([], 1),
    ends: true,
    show: nothing,
    shown: nothing,
  });
  stream.stop();
  stream.push(Array(200_000).fill([0]));
  assert.equal(stream.waiting.length, 200_000);
});

test("the need for time stands beside that of two random orders, or nothing does", () => {
  const page = (/** @type {object} */ columns) =>
    /** @type {any} */ ({ feature: { line: { columns } } });
  const columns = { needs_time: 0.4, needs_time_of_orders: 0.5, needs_time_rank: 0.9 };
  const text = /** @type {any} */ (needsTime(page(columns))).textContent;
  for (const words of ["40.0%", "50.0%", "90.0% need time less"]) assert.ok(text.includes(words));
  assert.equal(needsTime(page({})), null);
  assert.equal(needsTime(page({ ...columns, needs_time: null })), null);
});
