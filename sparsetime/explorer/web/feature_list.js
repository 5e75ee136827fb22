// Features in a list: searched by words, filtered by ranges, sorted, a page at a time.

import { ask, of } from "./api.js";
import { columnRange, readRanges } from "./column_ranges.js";
import {
  allWords,
  check,
  choices,
  dropdown,
  empty,
  featureAddress,
  h,
  hueOf,
  nameOf,
  percent,
  plural,
  settled,
} from "./dom.js";
import { axisUnit, hasText, inTimeUnit, lasting, sequenceName } from "./durations.js";
import { histogram } from "./histogram.js";
import { exported, here, remember } from "./router.js";
import { showMoments } from "./word_search.js";

const PAGE = 60;
const PAUSE = 180; // milliseconds without a change before the list is fetched

const INFORMATIVE = "informative"; // "telling" in addresses of 0.1.0

/** @type {[string, string][]} */
const SORTS = [
  [INFORMATIVE, "most informative"],
  ["dwell", "longest dwell"],
  ["density", "highest density"],
  ["documents", "most"], // its name is the run's
  ["feature", "number"],
];

/**
 * @typedef {[number, number] | null} Range
 * @typedef {object} ListState
 * @property {string} words
 * @property {string} part
 * @property {string} sort
 * @property {boolean} starred
 * @property {string} where "moments" to search their text; "" to search names and words
 * @property {Range} density
 * @property {Range} dwell
 * @property {import("./column_ranges.js").ColumnRanges} ranges
 */

/** @returns {ListState} as the address says */
function readState() {
  const query = here();
  const range = (/** @type {string} */ name) => {
    const [least, most] = (query.get(name) ?? "").split(",").map(Number);
    const complete = query.has(name) && Number.isFinite(least) && Number.isFinite(most);
    return complete ? /** @type {[number, number]} */ ([least, most]) : null;
  };
  const sort = query.get("sort") ?? INFORMATIVE;
  return {
    words: query.get("words") ?? "",
    part: query.get("part") ?? "",
    sort: sort === "telling" ? INFORMATIVE : sort,
    starred: query.has("starred"),
    where: query.get("in") === "moments" && !exported ? "moments" : "",
    density: range("density"),
    dwell: range("dwell"),
    ranges: readRanges(),
  };
}

/** @param {ListState} state */
function writeState({ where, words, part, sort, starred, density, dwell, ranges }) {
  const range = (/** @type {Range} */ values) =>
    values?.map((value) => value.toPrecision(4)).join(",");
  remember({
    in: where,
    words,
    part,
    sort: sort === INFORMATIVE ? "" : sort,
    starred: starred ? "1" : "",
    density: range(density),
    dwell: range(dwell),
    range: [...ranges.values()].join(","),
  });
}

/**
 * Filters and the list of one dictionary, appended to an element.
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 * @param {string} key
 */
export async function featureList(at, run, key, { compact = false } = {}) {
  const columns = (await ask(`${of(key)}/columns`)).filter(({ table, sorts }) => table && sorts);
  const view = dictionaryOf(run, key);
  /** @type {[string, string][]} */
  const sorts = SORTS.map(([name, title]) =>
    name === "documents" ? [name, `${title} ${sequenceName(run)}s`] : [name, title],
  );
  for (const { name } of columns) sorts.push([name, name]);
  const state = readState();
  const count = h("p.count", { "aria-live": "polite" });
  const rows = h(compact ? "div.lines.compact" : "div.lines");
  const more = h("button.more", { click: () => load(rows.childElementCount) }, "Show more");
  let turn = 0; // of loading; answers to earlier ones are dropped

  /** @param {number} offset features before those that are fetched, which stay */
  async function load(offset = 0) {
    turn += 1;
    const mine = turn;
    writeState(state);
    if (state.where && state.words.trim()) {
      const answer = await ask(`${of(key)}/moments`, { words: state.words });
      if (mine !== turn) return;
      more.hidden = true;
      showMoments(key, answer, count, rows);
      return;
    }
    const page = await ask(`${of(key)}/features`, {
      words: state.words,
      part: state.part === "first" || state.part === "rest" ? state.part : "",
      sort: sorts.find(([name]) => name === state.sort)?.[0],
      starred: state.starred || null,
      where: [...state.ranges.values()],
      density_min: state.density?.[0],
      density_max: state.density?.[1],
      dwell_min: state.dwell?.[0],
      dwell_max: state.dwell?.[1],
      offset,
      limit: PAGE,
    });
    if (mine !== turn) return;
    const living = view.width - view.dead;
    const all = plural(living, "active feature");
    count.textContent =
      page.total === living ? all : `${page.total.toLocaleString("en")} of ${all}`;
    if (!offset) rows.replaceChildren();
    rows.append(...page.lines.map((line) => featureLine(key, line, run)));
    if (!page.total) rows.append(empty("No feature fits", "Widen the ranges, or search for less."));
    more.hidden = offset + page.lines.length >= page.total;
  }

  const loadLater = settled(() => load(), PAUSE);
  const change = (/** @type {Partial<ListState>} */ changes) => {
    Object.assign(state, changes);
    loadLater();
  };
  at.append(
    brushes(view, run, state, change),
    ...columns.map((column) => columnRange(column, state.ranges, (ranges) => change({ ranges }))),
    controls(view, run, sorts, state, change, count),
    rows,
    more,
  );
  return load();
}

/**
 * @param {Api.DictionaryView} view
 * @param {import("./durations.js").StepUnit} run
 * @param {ListState} state
 * @param {(changes: Partial<ListState>) => void} change
 */
function brushes(view, run, state, change) {
  const density = histogram({
    title: `Density: share of the indexed ${run.unit}s on which a feature fires`,
    unit: "",
    ...view.density,
    format: percent,
    chosen: state.density,
    change: (range) => change({ density: range }),
  });
  const dwell = histogram({
    title: "Dwell: mean length of a run",
    unit: axisUnit(run),
    format: (steps) => inTimeUnit(steps, run),
    ...view.dwell,
    chosen: state.dwell,
    change: (range) => change({ dwell: range }),
  });
  return h("div.brushes", {}, density, dwell);
}

/**
 * @param {Api.DictionaryView} view
 * @param {import("./durations.js").StepUnit} run
 * @param {[string, string][]} sorts
 * @param {ListState} state
 * @param {(changes: Partial<ListState>) => void} change
 * @param {HTMLElement} count
 */
function controls({ entry }, run, sorts, state, change, count) {
  const label = hasText(run) ? "Search words and labels" : "Search names and labels";
  const search = h("input", {
    type: "search",
    placeholder: label,
    "aria-label": label,
    value: state.words,
    input: (event) => change({ words: event.currentTarget.value }),
  });
  /** @type {[string, string][]} */
  const places = [
    ["", "names and words"],
    ["moments", "the text of examples"],
  ];
  /** @type {[string, string][]} */
  const parts = [
    ["", "both parts"],
    ["first", entry.parts?.[0] ?? ""],
    ["rest", entry.parts?.[1] ?? ""],
  ];
  return h(
    "div.controls",
    {},
    search,
    exported || !hasText(run)
      ? null
      : choices("search in", places, state.where, (where) => change({ where })),
    dropdown("Sort", sorts, state.sort, (sort) => change({ sort })),
    entry.parts ? choices("part", parts, state.part, (part) => change({ part })) : null,
    check("starred", state.starred, (starred) => change({ starred })),
    count,
  );
}

/**
 * @param {string} key
 * @param {Api.FeatureLine} line
 * @param {import("./durations.js").StepUnit} run
 */
export const featureLine = (key, line, run) =>
  h(
    `a.line.${hueOf(line)}`,
    { href: featureAddress(key, line.feature) },
    h("span.id", {}, line.feature),
    h(
      "span.name",
      { dir: "auto", title: allWords(line) },
      line.starred ? "★ " : "",
      nameOf(line, 5),
    ),
    h("span.fact", { title: "mean length of a run" }, lasting(line.dwell, run)),
    h("span.fact", { title: `share of the indexed ${run.unit}s` }, percent(line.density)),
    h("span.fact.wide", {}, plural(line.documents, sequenceName(run))),
  );

/**
 * @param {Api.Overview} run
 * @param {string} key
 */
export function dictionaryOf(run, key) {
  const view = run.dictionaries.find(({ entry }) => entry.key === key);
  if (!view) throw new Error(`There is no dictionary ${key}.`);
  return view;
}

/**
 * The key in a parameter of the address, else the run's first dictionary.
 * @param {Api.Overview} run
 * @param {string} name of the parameter
 */
export function keyInAddress(run, name = "dictionary") {
  const keys = run.dictionaries.map(({ entry }) => entry.key);
  return keys.find((key) => key === here().get(name)) ?? keys[0];
}

/**
 * Choice of a dictionary, which opens the same view of another one; null where there is one only.
 * @param {Api.Overview} run
 * @param {string} key
 * @param {(key: string) => unknown} open
 */
export function dictionaryChoice(run, key, open) {
  if (run.dictionaries.length < 2) return null;
  /** @type {[string, string][]} */
  const titles = run.dictionaries.map(({ entry }) => [entry.key, entry.title]);
  return choices("dictionary", titles, key, open);
}
