// Files that the live view reads: WAV, NumPy arrays, tables.

import assert from "node:assert/strict";
import test from "node:test";
import { readNpy, readTable, readWav } from "../../sparsetime/explorer/views/live/read_file.js";
import { Samples } from "../../sparsetime/explorer/views/live/samples.js";

/**
 * A WAV file of these bytes of samples.
 * @param {{format: number, channels: number, bits: number, data: Uint8Array}} file
 */
function wav({ format, channels, bits, data }) {
  const buffer = new ArrayBuffer(44 + data.length);
  const view = new DataView(buffer);
  const tag = (/** @type {number} */ at, /** @type {string} */ text) => {
    for (let i = 0; i < 4; i += 1) view.setUint8(at + i, text.charCodeAt(i));
  };
  tag(0, "RIFF");
  tag(8, "WAVE");
  tag(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, format, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, 8000, true);
  view.setUint16(34, bits, true);
  tag(36, "data");
  view.setUint32(40, data.length, true);
  new Uint8Array(buffer, 44).set(data);
  return buffer;
}

test("a WAV file of 16 bits in two channels", () => {
  const samples = new Int16Array([0, 16384, -32768, 8192]);
  const data = new Uint8Array(samples.buffer);
  assert.deepEqual(readWav(wav({ format: 1, channels: 2, bits: 16, data })), {
    values: [
      [0, 0.5],
      [-1, 0.25],
    ],
    rate: 8000,
  });
});

test("a WAV file of floats, and of 24 bits", () => {
  const floats = new Uint8Array(new Float32Array([0.5, -0.25]).buffer);
  const { values } = readWav(wav({ format: 3, channels: 1, bits: 32, data: floats }));
  assert.deepEqual(values, [[0.5], [-0.25]]);
  const data = new Uint8Array([0, 0, 64, 0, 0, 192]);
  assert.deepEqual(readWav(wav({ format: 1, channels: 1, bits: 24, data })).values, [
    [0.5],
    [-0.5],
  ]);
});

test("what is no WAV file, or of another coding, is refused in words", () => {
  assert.throws(() => readWav(new ArrayBuffer(8)), /no WAV file/);
  const file = wav({ format: 7, channels: 1, bits: 8, data: new Uint8Array(4) });
  assert.throws(() => readWav(file), /format 7 with 8 bits; save it as PCM/);
});

/**
 * @param {string} head
 * @param {ArrayBufferLike} data
 */
function npy(head, data) {
  const text = head.padEnd(53, " ");
  const bytes = new Uint8Array(10 + text.length + data.byteLength);
  bytes.set([0x93, ...[..."NUMPY"].map((letter) => letter.charCodeAt(0)), 1, 0, text.length, 0]);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes.set(new Uint8Array(data), 10 + text.length);
  return bytes.buffer;
}

test("NumPy arrays of one and two dimensions", () => {
  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}";
  const data = new Float32Array([1, 2, 3, 4]).buffer;
  assert.deepEqual(readNpy(npy(head, data)), [
    [1, 2],
    [3, 4],
  ]);
  const flat = "{'descr': '<i2', 'fortran_order': False, 'shape': (3,)}";
  assert.deepEqual(readNpy(npy(flat, new Int16Array([5, -6, 7]).buffer)), [[5], [-6], [7]]);
  assert.throws(() => readNpy(npy(head.replace("False", "True"), data)), /in C order/);
  assert.throws(() => readNpy(npy(head.replace("2, 2", "9, 2"), data)), /cut off/);
});

test("a table with names of channels", () => {
  assert.deepEqual(readTable("x,y\n1,2\n3;4\n"), [
    [1, 2],
    [3, 4],
  ]);
});

test("samples are reduced to columns that lose no extreme", () => {
  const samples = new Samples(["mic"], 8000);
  samples.push(Array.from({ length: 100 }, (_, i) => [i === 37 ? 9 : Math.sin(i)]));
  const view = samples.view(0, 10, 10, 20);
  assert.equal(view.columns, 20);
  assert.equal(view.stride, 0.5);
  assert.equal(view.high[0][7], 9);
  assert.deepEqual([view.most[0], view.channels], [9, ["mic"]]);
});
