// Answers of the API, read from the files of an export.

import { crc32, damaged, readMarked } from "./checksum.js";
import { columnValue, inRange } from "./column_ranges.js";
import { localAnswers } from "./local_answers.js";
import { LocalCodes } from "./local_codes.js";
import { asLists } from "./packed_columns.js";

const NOT_EXPORTED =
  "It is not among the exported files, which have a limit of size; the page's foot says what is. On the machine of the run, sparsetime explore shows everything.";
const NOT_COMPUTED =
  "What takes long to compute was exported of the most informative features alone. On the machine of the run, sparsetime explore shows it.";
const NOT_COMPARED = "These two are of activations of different width, and so cannot be compared.";
/** The order in which the files list features, and its name in addresses of 0.1.0. */
const INFORMATIVE = ["informative", "telling"];
const MOST_FILES = 60;
const MOST_CODES = 12;

/**
 * @typedef {{lines: Api.FeatureLine[], peaks: number[]}} FeaturesFile
 * @typedef {{offsets: number[], features: number[], percents: number[], boundaries: number[],
 *   text: Api.DocumentText, input: Api.InputView, lanes?: Record<string, unknown>}} SequenceFile
 * @typedef {{place: number, lines: Api.FeatureLine[],
 *   table: Map<number, import("./local_codes.js").KnownFeature>}} ExportedDictionary
 */

/** @type {Map<string, Promise<any>>} */
const files = new Map();

/** @type {Promise<Record<string, string>> | undefined} */
let sums;

/** The checksums of all files of the export, by name. */
function checksums() {
  sums ??= fetch("checksums.json").then(async (response) => {
    if (!response.ok) throw new Error(damaged("checksums.json"));
    return readMarked(await response.text(), "checksums.json").files;
  });
  sums.catch(() => {
    sums = undefined;
  });
  return sums;
}

/**
 * A JSON file of the export; a failed one is read again when it is next asked for.
 * @param {string} name
 * @returns {Promise<any>}
 */
function readFile(name, missing = NOT_EXPORTED) {
  const cached = files.get(name);
  if (cached) return cached;
  if (files.size > MOST_FILES) files.delete([...files.keys()][0]);
  const reading = fetch(`data/${name}`).then(async (response) => {
    if (!response.ok) throw new Error(missing);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (crc32(bytes) !== (await checksums())[`data/${name}`])
      throw new Error(damaged(`data/${name}`));
    return JSON.parse(new TextDecoder().decode(bytes));
  });
  files.set(name, reading);
  reading.catch(() => files.delete(name));
  return reading;
}

/** @type {Map<string, ExportedDictionary>} */
const dictionaries = new Map();

/**
 * The features of a dictionary, and the folder of its files.
 * @param {string} key
 */
async function dictionary(key) {
  const cached = dictionaries.get(key);
  if (cached) return cached;
  /** @type {Api.Overview} */
  const run = await readFile("run.json");
  const place = run.dictionaries.findIndex(({ entry }) => entry.key === key);
  if (place < 0) throw new Error(`There is no dictionary ${key}.`);
  /** @type {FeaturesFile} */
  const { lines, peaks } = await readFile(`${place}/features.json`);
  const table = new Map(lines.map((line, i) => [line.feature, { ...line, peak: peaks[i] }]));
  const entry = { place, lines, table };
  dictionaries.set(key, entry);
  return entry;
}

/** @type {Map<string, LocalCodes>} */
const codes = new Map();

/**
 * @param {string} key
 * @param {string} number
 */
async function sequence(key, number) {
  const { place, table } = await dictionary(key);
  /** @type {SequenceFile} */
  const content = await readFile(`${place}/sequences/${number}.json`);
  const name = `${key}/${number}`;
  const local = codes.get(name) ?? new LocalCodes(table, content);
  if (codes.size > MOST_CODES) codes.clear();
  codes.set(name, local);
  return { content, local };
}

/**
 * Words of a query, in lower case.
 * @param {string | null | undefined} text
 */
const queryWords = (text) => (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);

/**
 * All text of a feature: its words, its label, and its values in feature tables.
 * @param {Api.FeatureLine} line
 */
const searchedText = ({ words, label, columns }) =>
  [words, label, ...Object.values(columns ?? {})]
    .flat()
    .filter((value) => typeof value === "string")
    .join(" ")
    .toLowerCase();

/**
 * Sort key of a column in descending order; features without a value come last, as on the server.
 * @param {Api.FeatureLine} line
 * @param {string} column
 */
function sortKey(line, column) {
  const value = columnValue(line, column);
  return value === null ? Number.NEGATIVE_INFINITY : Number(value);
}

/**
 * Features that fit the filters of a list.
 * @param {string} key
 * @param {Api.Query<"dictionaries/k/features">} query
 * @returns {Promise<Api.FeaturePage>}
 */
async function features(key, query) {
  const { words, part, starred, where, sort, offset, limit } = query;
  const wanted = queryWords(words);
  const within = (
    /** @type {number} */ value,
    /** @type {number | null | undefined} */ least,
    /** @type {number | null | undefined} */ most,
  ) => value >= (least ?? 0) && value <= (most ?? Number.POSITIVE_INFINITY);
  const lines = (await dictionary(key)).lines.filter((line) => {
    const text = searchedText(line);
    return (
      within(line.density, query.density_min, query.density_max) &&
      within(line.dwell, query.dwell_min, query.dwell_max) &&
      (!part || line.part === part) &&
      (!starred || line.starred) &&
      (where ?? []).every((range) => inRange(line, range)) &&
      wanted.every((word) => text.includes(word))
    );
  });
  if (sort === "feature") lines.sort((a, b) => a.feature - b.feature);
  else if (sort && !INFORMATIVE.includes(sort)) {
    // Two features without a value differ by NaN, and keep their order.
    lines.sort((a, b) => sortKey(b, sort) - sortKey(a, sort) || 0);
  }
  const start = offset ?? 0;
  const shown = lines.slice(start, start + (limit ?? 50));
  return { total: lines.length, split_values: [], lines: shown };
}

/**
 * Sequences whose name holds the words; their texts are not in one file and are not searched.
 * @param {string} key
 * @param {Api.Query<"dictionaries/k/sequences">} query
 * @returns {Promise<Api.DocumentPage>}
 */
async function sequences(key, { words, limit }) {
  const wanted = queryWords(words);
  /** @type {Api.DocumentLine[]} */
  const all = await readFile(`${(await dictionary(key)).place}/sequences.json`);
  const lines = all.filter(({ id, title }) =>
    wanted.every((word) => `${id} ${title}`.toLowerCase().includes(word)),
  );
  return { total: lines.length, lines: lines.slice(0, limit ?? 50) };
}

/**
 * @param {string} key
 * @param {string} number
 * @param {string | undefined} what
 */
async function featureAnswer(key, number, what) {
  const { place } = await dictionary(key);
  const missing = `Only the examples of the most informative features were exported. ${NOT_EXPORTED}`;
  const content = await readFile(`${place}/features/${number}.json`, missing);
  const answer = content[what ?? "feature"];
  if (!answer) throw new Error(NOT_COMPUTED);
  return answer;
}

/**
 * @param {string} key
 * @param {string} number
 * @param {string} what
 * @param {any} parameters
 */
async function sequenceAnswer(key, number, what, parameters) {
  const { content, local } = await sequence(key, number);
  const { text, input, boundaries, lanes } = content;
  /** @type {(first: number, stop: number, channels?: number) => Api.InputView} */
  const someChannels = (_first, _stop, channels) => firstChannels(asLists(input), channels);
  const sources = { codes: local, text: () => text, input: someChannels, boundaries, lanes };
  if (what === "input" && parameters.packed) return input; // all channels, as they were written
  const answer = await localAnswers(sources)(what, parameters);
  if (what !== "timeline") return answer;
  return { dictionary: key, sequence: Number(number), .../** @type {object} */ (answer) };
}

/**
 * An input with its first channels only; all where none are named.
 * @param {Api.InputView} input
 * @param {number} [channels]
 * @returns {Api.InputView}
 */
export function firstChannels(input, channels = input.channels.length) {
  if (channels >= input.channels.length) return input;
  const [names, low, high, least, most] = [
    input.channels,
    input.low,
    input.high,
    input.least,
    input.most,
  ].map((values) => values.slice(0, channels));
  const hidden = input.hidden + input.channels.length - channels;
  return /** @type {any} */ ({ ...input, channels: names, hidden, low, high, least, most });
}

/**
 * The answer to a GET of a path below /api/.
 * @param {string} path
 * @param {any} parameters
 */
export async function answer(path, parameters) {
  const [, key, kind, number, what] = path.split("/").map(decodeURIComponent);
  if (path === "compare") {
    const left = (await dictionary(parameters.left)).place;
    const right = (await dictionary(parameters.right)).place;
    return readFile(`compare-${left}-${right}.json`, NOT_COMPARED);
  }
  if (path === "matches") {
    const left = (await dictionary(parameters.left)).place;
    const right = (await dictionary(parameters.right)).place;
    return readFile(`matches-${left}-${right}.json`, NOT_COMPARED);
  }
  if (kind === "effects" || kind === "judged")
    return readFile(`${kind}-${(await dictionary(key)).place}.json`);
  if (kind === "columns" || kind === "explanations") {
    return readFile(`${(await dictionary(key)).place}/${kind}.json`);
  }
  if (kind === "features") {
    return number === undefined ? features(key, parameters) : featureAnswer(key, number, what);
  }
  if (kind === "sequences") {
    return number === undefined
      ? sequences(key, parameters)
      : sequenceAnswer(key, number, what, parameters);
  }
  return readFile(`${path}.json`); // exported by a view for itself
}
