// A live stream whose model is slower than the device: what waits is bounded, and the delay is true.

import assert from "node:assert/strict";
import test from "node:test";
import { Frames } from "../../sparsetime/explorer/views/live/frames.js";
import { Samples } from "../../sparsetime/explorer/views/live/samples.js";
import { Stream } from "../../sparsetime/explorer/views/live/stream.js";
import { WaitingSteps } from "../../sparsetime/explorer/views/live/waiting_steps.js";

test("the oldest of too many steps are left out and counted", () => {
  const waiting = new WaitingSteps(3);
  waiting.push(["a", "b"], 10);
  waiting.push(["c", "d", "e"], 20);
  assert.deepEqual([waiting.length, waiting.leftOut], [3, 2]);
  assert.deepEqual(waiting.take(2), { rows: ["c", "d"], at: 20 });
  waiting.push(["f"], 30);
  assert.deepEqual(waiting.take(5), { rows: ["e", "f"], at: 30 });
  assert.equal(waiting.length, 0);
});

test("ten seconds of a microphone wait, at the rate of the run or the usual one", () => {
  assert.equal(new Samples(["sound"], 8000).mostLate, 80_000);
  assert.equal(new Samples(["sound"], null).mostLate, 160_000);
});

/** @param {boolean} ends */
function slowStream(ends) {
  const frame = { pixels: new Uint8Array(3), picture: "" };
  /** @type {{first: number, count: number}[]} */
  const pieces = [];
  /** @type {(() => void)[]} */
  const answers = [];
  globalThis.fetch = async (_, options) => {
    const body = JSON.parse(String(options?.body));
    const count = atob(body.frames).length / 3;
    pieces.push({ first: body.first, count });
    await new Promise((/** @type {(value?: undefined) => void} */ done) => answers.push(done));
    const chunk = { per_row: 1, behind: 0, known: [], features: [], strengths: [] };
    return new Response(JSON.stringify(chunk));
  };
  const run = /** @type {any} */ ({ step: 1, time_unit: "" });
  const settings = { key: "a", run, steps: new Frames([1, 1]), ends };
  const stream = new Stream({ ...settings, show: async () => {}, shown: () => {} });
  return { stream, pieces, answers, frame };
}

test("a camera that is faster than the model has a bound, and what is sent has no gap", async () => {
  const { stream, pieces, answers, frame } = slowStream(false);
  const done = stream.push([frame]);
  for (let i = 0; i < 500; i += 1) stream.push([frame]);
  assert.equal(stream.waiting.length, stream.steps.mostLate);
  assert.equal(stream.waiting.leftOut, 500 - stream.steps.mostLate);
  const timer = setInterval(() => answers.shift()?.(), 1);
  await done;
  clearInterval(timer);
  const sent = pieces.reduce((sum, { first, count }) => {
    assert.equal(first, sum, "each piece follows the one before");
    return sum + count;
  }, 0);
  assert.equal(sent, 1 + stream.steps.mostLate);
});

test("all frames of a file are sent, however slow the model is", async () => {
  const { stream, pieces, answers, frame } = slowStream(true);
  const done = stream.push(Array(300).fill(frame));
  const timer = setInterval(() => answers.shift()?.(), 1);
  await done;
  clearInterval(timer);
  assert.equal(
    pieces.reduce((sum, { count }) => sum + count, 0),
    300,
  );
  assert.equal(stream.waiting.leftOut, 0);
});
