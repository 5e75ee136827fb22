// Features in a list: searched by words, filtered by ranges, sorted, a page at a time.

import { ask, of } from "./api.js";
import { columnRanges, readRanges } from "./column_ranges.js";
import { check, choices, dropdown, empty, h, percent, plural, settled } from "./dom.js";
import { axisUnit, hasText, inTimeUnit, sequenceName } from "./durations.js";
import { featureLine } from "./feature_line.js";
import { histogram } from "./histogram.js";
import { conditionChoice, recordingLabels, splitChoice } from "./recording_filter.js";
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
 * @property {string} only a condition on recordings, `label:value`; "" for all
 * @property {string} split a label of recordings; "" for none
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
    only: query.get("only") ?? "",
    split: query.get("split") ?? "",
    ranges: readRanges(),
  };
}

/** @param {ListState} state */
function writeState({ where, words, part, sort, starred, density, dwell, only, split, ranges }) {
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
    only,
    split,
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
  const [allColumns, labels] = await Promise.all([ask(`${of(key)}/columns`), recordingLabels(key)]);
  const columns = allColumns.filter(({ table, sorts }) => table && sorts);
  const view = dictionaryOf(run, key);
  /** @type {[string, string][]} */
  const sorts = SORTS.map(([name, title]) =>
    name === "documents" ? [name, `${title} ${sequenceName(run)}s`] : [name, title],
  );
  for (const { name } of columns) sorts.push([name, name]);
  if (labels.length) sorts.push(["split", "difference of the split"]);
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
      only: state.only,
      split: state.split,
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
    const total = page.total === living ? all : `${page.total.toLocaleString("en")} of ${all}`;
    const bars = page.split_values.length ? `; bars: ${page.split_values.join(", ")}` : "";
    count.textContent = `${total}${bars}`;
    if (!offset) rows.replaceChildren();
    const shown = columns.find(({ name }) => name === state.sort)?.name;
    rows.append(...page.lines.map((line) => featureLine(key, line, run, shown, page.split_values)));
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
    columnRanges(columns, state.ranges, (ranges) => change({ ranges })) ?? "",
    controls(view, run, sorts, labels, state, change, count),
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
 * @param {Api.RecordingLabel[]} labels
 * @param {ListState} state
 * @param {(changes: Partial<ListState>) => void} change
 * @param {HTMLElement} count
 */
function controls({ entry }, run, sorts, labels, state, change, count) {
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
    conditionChoice(labels, sequenceName(run), state.only, (only) => change({ only })),
    splitChoice(labels, state.split, (split) => change({ split })),
    entry.parts ? choices("part", parts, state.part, (part) => change({ part })) : null,
    check("starred", state.starred, (starred) => change({ starred })),
    count,
  );
}

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
