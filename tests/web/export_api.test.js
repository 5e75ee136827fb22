// Answers of the API from the files of an export.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import { crc32, readMarked } from "../../sparsetime/explorer/web/checksum.js";
import { answer, firstChannels } from "../../sparsetime/explorer/web/export_api.js";

/**
 * @param {number} feature
 * @param {object} facts
 */
const line = (feature, facts) => ({
  feature,
  part: "",
  label: "",
  name: "",
  named_by: "",
  columns: {},
  starred: false,
  words: [],
  density: 0.1,
  dwell: 1,
  half_life: null,
  peak: 1,
  documents: 1,
  ...facts,
});

const LINES = [
  line(4, {
    words: ["River", "town"],
    density: 0.3,
    dwell: 2,
    part: "first",
    columns: { score: null, topic: null },
  }),
  line(1, {
    words: ["def"],
    density: 0.1,
    dwell: 9,
    label: "River bank",
    part: "rest",
    columns: { score: 0.2 },
  }),
  line(7, {
    words: ["return"],
    density: 0.2,
    dwell: 5,
    starred: true,
    part: "rest",
    columns: { score: 0.7, topic: ["Weather"] },
  }),
];
const COLUMNS = [{ name: "score" }, { name: "topic" }];
const TEXT = { sequence: 0, id: "a", title: "A", length: 2, first: 0, words: [], gaps: [] };

/** @type {Record<string, unknown>} */
const FILES = {
  "run.json": { dictionaries: [{ entry: { key: "topk" } }, { entry: { key: "b" } }] },
  "0/columns.json": COLUMNS,
  "0/features.json": { lines: LINES, peaks: [1, 2, 3] },
  "1/features.json": { lines: [], peaks: [] },
  "0/features/4.json": { feature: { count: 3 }, coactivation: { together: [] } },
  "0/sequences.json": [
    { sequence: 0, id: "river-1", title: "The River", length: 2 },
    { sequence: 1, id: "town-2", title: "The town", length: 5 },
  ],
  "0/sequences/0.json": {
    offsets: [0, 1, 2],
    features: [4, 4],
    percents: [50, 100],
    boundaries: [1],
    text: TEXT,
    input: { kind: "text" },
    lanes: { attention: { heads: 2 } },
  },
  "compare-0-1.json": { shared: 2 },
  "labels.json": [],
};
let reads = 0;
/** What one word of the files is replaced by. */
let damage = "";

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** The list of checksums as an export holds it. */
function listing() {
  const sums = Object.entries(FILES).map(([name, content]) => [
    `data/${name}`,
    crc32(bytes(JSON.stringify(content))),
  ]);
  const text = JSON.stringify({
    checksum: "sparsetime:1:00000000:crc32",
    files: Object.fromEntries(sums),
  });
  return text.replace("1:00000000", `1:${crc32(bytes(text))}`);
}

before(() => {
  globalThis.fetch = async (address) => {
    reads += 1;
    const name = String(address);
    if (name === "checksums.json") return new Response(listing());
    const content = FILES[name.replace("data/", "")];
    if (content === undefined) return new Response("", { status: 404 });
    return new Response(JSON.stringify(content).replace("Weather", damage || "Weather"));
  };
});

/** @param {object} query */
const features = async (query) => {
  const page = await answer("dictionaries/topk/features", query);
  return page.lines.map((/** @type {Api.FeatureLine} */ found) => found.feature);
};

test("damaged files are named, and read again when they are next asked for", async () => {
  damage = "Feather";
  await assert.rejects(features({}), /data\/0\/features\.json is damaged: its bytes are not/);
  damage = "";
  assert.deepEqual(await features({}), [4, 1, 7]);
});

test("JSON with a checksum of itself is read while it is whole", () => {
  assert.equal(crc32(bytes("123456789")), "cbf43926"); // the check value of CRC-32
  const text = listing();
  assert.equal(Object.keys(readMarked(text, "x").files).length, Object.keys(FILES).length);
  for (let at = 0; at < text.length; at += 3) {
    const flipped = String.fromCharCode(text.charCodeAt(at) ^ 1);
    const changed = text.slice(0, at) + flipped + text.slice(at + 1);
    assert.throws(() => readMarked(changed, "The list"), /The list is damaged/);
  }
});

test("files are read once", async () => {
  await answer("labels", {});
  const first = reads;
  await answer("labels", {});
  assert.equal(reads, first);
});

test("a list keeps the order of the file, or is sorted", async () => {
  assert.deepEqual(await features({}), [4, 1, 7]);
  assert.deepEqual(await features({ sort: "dwell" }), [1, 7, 4]);
  assert.deepEqual(await features({ sort: "density" }), [4, 7, 1]);
  assert.deepEqual(await features({ sort: "feature" }), [1, 4, 7]);
});

test("columns of feature tables: sorted, filtered and searched; no value comes last", async () => {
  const at = "dictionaries/topk/features";
  assert.deepEqual(await answer("dictionaries/topk/columns", {}), COLUMNS);
  assert.deepEqual(await features({ sort: "score" }), [7, 1, 4]);
  assert.deepEqual(await features({ where: ["score:0.5:"] }), [7]);
  assert.deepEqual(await features({ where: ["score::0.5", "dwell:3:"] }), [1]);
  assert.deepEqual(await features({ words: "weather" }), [7]);
  assert.deepEqual(
    await answer(at, { sort: "telling" }),
    await answer(at, { sort: "informative" }),
  );
});

test("a list is filtered by words, part, star and ranges", async () => {
  assert.deepEqual(await features({ words: "river" }), [4, 1]);
  assert.deepEqual(await features({ words: "river town" }), [4]);
  assert.deepEqual(await features({ part: "rest" }), [1, 7]);
  assert.deepEqual(await features({ starred: true }), [7]);
  assert.deepEqual(await features({ density_min: 0.15, density_max: 0.25 }), [7]);
  assert.deepEqual(await features({ dwell_min: 3 }), [1, 7]);
  assert.deepEqual(await features({ offset: 1, limit: 1 }), [1]);
});

test("a feature and its co-activation", async () => {
  assert.deepEqual(await answer("dictionaries/topk/features/4", {}), { count: 3 });
  const coactivation = await answer("dictionaries/topk/features/4/coactivation", {});
  assert.deepEqual(coactivation, { together: [] });
});

test("sequences by their names", async () => {
  const page = await answer("dictionaries/topk/sequences", { words: "river" });
  assert.deepEqual([page.total, page.lines[0].sequence], [1, 0]);
});

test("a sequence's words, timeline and lanes", async () => {
  const at = "dictionaries/topk/sequences/0";
  assert.deepEqual(await answer(`${at}/words`, {}), TEXT);
  assert.deepEqual(await answer(`${at}/alike`, { first: 0, stop: 1 }), []);
  assert.deepEqual(await answer(`${at}/attention`, {}), { heads: 2 });
  const timeline = await answer(`${at}/timeline`, { rows: 5 });
  assert.deepEqual([timeline.dictionary, timeline.sequence, timeline.boundaries], ["topk", 0, [1]]);
  assert.deepEqual(timeline.rows[0].strengths, [50, 100]);
});

test("a comparison by the places of the two dictionaries", async () => {
  assert.deepEqual(await answer("compare", { left: "topk", right: "b" }), { shared: 2 });
  await assert.rejects(answer("compare", { left: "b", right: "topk" }), /cannot be compared/);
});

test("what was not exported is said to be missing", async () => {
  await assert.rejects(answer("dictionaries/topk/features/7", {}), /were exported/);
  await assert.rejects(answer("dictionaries/topk/sequences/9/words", {}), /not among the exported/);
  await assert.rejects(answer("dictionaries/none/features", {}), /no dictionary none/);
});

test("an input with its first channels says how many it leaves out", () => {
  const rows = [[1], [2], [3]];
  const facts = { kind: "series", first: 0, stop: 1, stride: 1, frames: [], of_frames: 0 };
  const input = /** @type {any} */ ({
    ...facts,
    channels: ["a", "b", "c"],
    hidden: 0,
    low: rows,
    high: rows,
    least: [1, 2, 3],
    most: [1, 2, 3],
  });
  assert.equal(firstChannels(input), input);
  const some = firstChannels(input, 2);
  assert.deepEqual(
    [some.channels, some.hidden, some.low, some.least],
    [["a", "b"], 1, [[1], [2]], [1, 2]],
  );
});
