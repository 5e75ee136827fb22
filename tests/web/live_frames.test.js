// Frames of the live view: order of files, bytes, and what the timeline is answered.

import assert from "node:assert/strict";
import test from "node:test";
import { base64, Frames } from "../../sparsetime/explorer/views/live/frames.js";
import { sortedFrames, withoutAlpha } from "../../sparsetime/explorer/views/live/read_frames.js";

const file = (/** @type {string} */ name) => new File([], name);

test("pictures are sorted by the numbers in their names", () => {
  const files = ["frame10.png", "frame2.png", "frame1.PNG"].map(file);
  const { files: sorted, isVideo } = sortedFrames(files);
  assert.deepEqual(
    sorted.map(({ name }) => name),
    ["frame1.PNG", "frame2.png", "frame10.png"],
  );
  assert.equal(isVideo, false);
});

test("one video, or pictures, and nothing else", () => {
  assert.equal(sortedFrames([file("a.webm")]).isVideo, true);
  assert.throws(() => sortedFrames([file("a.webm"), file("b.webm")]), /Got a.webm, expected/);
  assert.throws(() => sortedFrames([file("a.txt")]), /Got a.txt, expected pictures/);
});

test("pixels lose their transparency and are sent as base64", () => {
  const pixels = withoutAlpha(new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 0]));
  assert.deepEqual([...pixels], [1, 2, 3, 4, 5, 6]);
  const frames = new Frames([1, 2]);
  const piece = frames.piece([
    { pixels, picture: "" },
    { pixels, picture: "" },
  ]);
  assert.deepEqual([piece.height, piece.width], [1, 2]);
  assert.deepEqual(
    [...atob(piece.frames)].map((c) => c.charCodeAt(0)).slice(0, 7),
    [1, 2, 3, 4, 5, 6, 1],
  );
  const many = new Uint8Array(20_000).fill(7);
  assert.equal(atob(base64(many)).length, 20_000);
});

test("the timeline gets some of the frames at their steps", () => {
  const frames = new Frames([1, 1]);
  frames.push(
    Array.from({ length: 200 }, (_, i) => ({ pixels: new Uint8Array(3), picture: `${i}` })),
  );
  const view = frames.view(0, 100, 2);
  assert.equal(view.of_frames, 200);
  assert.equal(view.frames?.length, 48);
  assert.deepEqual(view.frames?.[0], { step: 0, picture: "0" });
  const last = view.frames?.at(-1);
  assert.equal(last?.picture, String(2 * (last?.step ?? 0)));
  assert.equal(frames.view(99, 100, 2).frames?.length, 2);
});
