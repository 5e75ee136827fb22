// Answers out of the files of an export, in the shapes of the API.

import { localAnswers } from "./local_answers.js";
import { LocalCodes } from "./local_codes.js";

const NOT_HERE = "It is not among the exported files, which have a limit of size; the page's foot says what is. On the machine of the run, sparsetime explore shows everything.";
const kept = new Map();

async function file(name, missing = NOT_HERE) {
  if (!kept.has(name)) {
    if (kept.size > 60) kept.delete(kept.keys().next().value);
    kept.set(name, fetch(`data/${name}`).then((response) => {
      if (!response.ok) throw new Error(missing);
      return response.json();
    }));
    kept.get(name).catch(() => kept.delete(name));
  }
  return kept.get(name);
}

const tables = new Map();
/** Of a dictionary: where its files are, its features in their order, and a table of them. */
async function dictionary(key) {
  if (!tables.has(key)) {
    const place = (await file("run.json")).dictionaries.findIndex((each) => each.entry.key === key);
    if (place < 0) throw new Error(`There is no dictionary ${key}.`);
    const { lines, peaks } = await file(`${place}/features.json`);
    tables.set(key, { place, lines, table: new Map(lines.map((line, i) => [line.feature, { ...line, peak: peaks[i] }])) });
  }
  return tables.get(key);
}

const codes = new Map();
async function sequence(key, number) {
  const { place, table } = await dictionary(key), found = await file(`${place}/sequences/${number}.json`), name = `${key}/${number}`;
  if (!codes.has(name)) { if (codes.size > 12) codes.clear(); codes.set(name, new LocalCodes(table, found)); }
  return { found, code: codes.get(name) };
}

const valueOf = (line, column) => line.columns?.[column] ?? line[column] ?? null;
const searched = (line) => [...line.words, line.label, ...Object.values(line.columns ?? {}).flat().filter((value) => typeof value === "string")].join(" ").toLowerCase();
/** Whether a line lies in a range written as `column:least:most`. */
function inRange(line, range) {
  const [column, least, most] = range.split(":"), value = valueOf(line, column);
  return value !== null && value >= (least === "" ? -Infinity : Number(least)) && value <= (most === "" ? Infinity : Number(most));
}

async function listed(key, { words = "", part = "", density_min = 0, density_max = 1, dwell_min = 0, dwell_max = Infinity, starred, where = [], sort = "informative", offset = 0, limit = 50 }) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fit = (await dictionary(key)).lines.filter((line) =>
    line.density >= density_min && line.density <= density_max && line.dwell >= dwell_min && line.dwell <= dwell_max
    && (!part || line.part === part) && (!starred || line.starred) && [where].flat().every((range) => inRange(line, range))
    && wanted.every((word) => searched(line).includes(word)));
  // Features without a value come last, as they do on the server.
  if (!["informative", "telling"].includes(sort)) fit.sort((a, b) => (sort === "feature" ? a.feature - b.feature : (valueOf(b, sort) ?? -Infinity) - (valueOf(a, sort) ?? -Infinity) || 0));
  return { total: fit.length, lines: fit.slice(offset, offset + limit) };
}

async function sequences(key, { words = "", limit = 50 }) {
  const { place } = await dictionary(key), wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fit = (await file(`${place}/sequences.json`)).filter((line) => wanted.every((word) => `${line.id} ${line.title}`.toLowerCase().includes(word)));
  return { total: fit.length, lines: fit.slice(0, limit) };
}

async function aFeature(key, number, what) {
  const { place } = await dictionary(key), found = await file(`${place}/features/${number}.json`, `Only the most telling features' moments were exported. ${NOT_HERE}`);
  return found[what ?? "feature"];
}

async function aSequence(key, number, what, parameters) {
  const { found, code } = await sequence(key, number), { text, input, boundaries, lanes } = found;
  const answer = await localAnswers({ code, text: () => text, input: () => input, boundaries, lanes })(what, parameters);
  return what === "timeline" ? { dictionary: key, sequence: Number(number), ...answer } : answer;
}

export async function answer(path, parameters) {
  const parts = path.split("/").map(decodeURIComponent), [, key, kind, number, what] = parts;
  if (path === "compare") {
    const [left, right] = [(await dictionary(parameters.left)).place, (await dictionary(parameters.right)).place];
    return file(`compare-${left}-${right}.json`, "These two are of activations of different width, and so cannot be compared.");
  }
  if (kind === "columns") return file(`${(await dictionary(key)).place}/columns.json`);
  if (kind === "features") return number === undefined ? listed(key, parameters) : aFeature(key, number, what);
  if (kind === "sequences") return number === undefined ? sequences(key, parameters) : aSequence(key, number, what, parameters);
  return file(`${path}.json`); // what a view exports for itself
}
