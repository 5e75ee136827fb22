// Features in a list: searched by words, filtered by brushes, sorted, a page at a time.

import { exported, here, remember } from "./router.js";
import { check, choices, empty, featureAddress, h, hueOf, nameOf, percent, plural, settled, short } from "./dom.js";
import { ask, of } from "./api.js";
import { placeLine, specificLine } from "./selection.js";
import { histogram } from "./histogram.js";

const PAGE = 60;
const SORTS = [["informative", "most informative"], ["dwell", "longest dwell"], ["density", "highest density"], ["documents", "most documents"], ["feature", "number"]];

/** Filters and the list, for one dictionary; `at` gets both. */
export async function featureList(at, run, key, { compact = false } = {}) {
  const columns = (await ask(`${of(key)}/columns`)).filter((column) => column.table && column.sorts);
  const view = run.dictionaries.find((each) => each.entry.key === key);
  const query = here();
  const range = (name) => {
    const [a, b] = (query.get(name) ?? "").split(",").map(Number);
    return query.has(name) && Number.isFinite(a) && Number.isFinite(b) ? [a, b] : null;
  };
  const state = {
    words: query.get("words") ?? "", part: query.get("part") ?? "", sort: query.get("sort") ?? "informative",
    starred: query.has("starred"), where: query.get("in") === "moments" && !exported ? "moments" : "", density: range("density"), dwell: range("dwell"), shown: PAGE,
    ranges: new Map((query.get("range") ?? "").split(",").filter(Boolean).map((text) => [text.split(":")[0], text])),
  };
  const count = h("p.count", { "aria-live": "polite" });
  const rows = h("div.lines");
  const more = h("button.more", { click: () => { state.shown += PAGE; load(); } }, "Show more");
  let turn = 0;

  async function load() {
    const mine = ++turn;
    remember({
      in: state.where, words: state.words, part: state.part, sort: state.sort === "informative" ? "" : state.sort,
      starred: state.starred ? "1" : "", density: state.density?.map((v) => v.toPrecision(4)).join(","),
      dwell: state.dwell?.map((v) => v.toPrecision(4)).join(","), range: [...state.ranges.values()].join(","),
    });
    if (state.where && state.words.trim()) {
      const answer = await ask(`${of(key)}/moments`, { words: state.words });
      if (mine === turn) showMoments(key, answer, { count, rows, more });
      return;
    }
    const found = await ask(`${of(key)}/features`, {
      words: state.words, part: state.part, sort: state.sort, starred: state.starred || null, where: [...state.ranges.values()],
      density_min: state.density?.[0], density_max: state.density?.[1],
      dwell_min: state.dwell?.[0], dwell_max: state.dwell?.[1], limit: Math.min(state.shown, 500),
    });
    if (mine !== turn) return;
    const living = view.width - view.dead;
    count.textContent = found.total === living
      ? `${plural(living, "active feature")}`
      : `${found.total.toLocaleString("en")} of ${plural(living, "active feature")}`;
    rows.replaceChildren(...found.lines.map((line) => featureLine(key, line, run.unit)));
    if (!found.total) rows.append(empty("No feature fits", "Widen the ranges, or take away a word."));
    more.hidden = found.lines.length >= found.total || state.shown >= 500;
  }

  const later = settled(load, 180);
  const change = (name) => (value) => { state[name] = value; state.shown = PAGE; later(); };
  const brushes = h("div.brushes", {},
    histogram({ title: `Density: share of ${run.unit}s on which a feature fires`, unit: "", ...view.density, format: percent, chosen: state.density, change: change("density") }),
    histogram({ title: `Dwell: mean length of a run`, unit: `${run.unit}s`, ...view.dwell, chosen: state.dwell, change: change("dwell") }));
  const search = h("input", {
    type: "search", placeholder: "Search words and labels", "aria-label": "Search words and labels", value: state.words,
    input: (event) => change("words")(event.target.value),
  });
  const controls = h("div.controls", {}, search,
    exported ? null : choices("search in", [["", "names and words"], ["moments", "the text of examples"]], state.where, change("where")),
    h("select", { "aria-label": "Sort", change: (event) => change("sort")(event.target.value) },
      [...SORTS, ...columns.map((column) => [column.name, column.name])].map(([value, label]) => h("option", { value, selected: value === state.sort }, label))),
    view.entry.parts ? choices("part", [["", "both parts"], ["first", view.entry.parts[0]], ["rest", view.entry.parts[1]]], state.part, change("part")) : null,
    check("starred", state.starred, change("starred")), count);
  at.append(brushes, ...columns.map((column) => rangeOf(column, state, () => { state.shown = PAGE; later(); })), controls, rows, more);
  if (compact) rows.classList.add("compact");
  return load();
}

/** The least and most value of a column of a feature table, to filter by. */
function rangeOf(column, state, changed) {
  const [, least = "", most = ""] = (state.ranges.get(column.name) ?? "").split(":");
  const inputs = [["least", least, column.least], ["most", most, column.most]].map(([bound, value, limit]) => h("input", {
    type: "number", step: "any", value, placeholder: limit === null ? "" : short(limit), "aria-label": `${bound} ${column.name}`,
    input: () => {
      const [low, high] = inputs.map((input) => input.value);
      if (low || high) state.ranges.set(column.name, `${column.name}:${low}:${high}`); else state.ranges.delete(column.name);
      changed();
    },
  }));
  return h("div.controls.column", {}, h("span.count", { title: column.definition }, column.unit ? `${column.name} (${column.unit})` : column.name), inputs[0], "to", inputs[1]);
}

/** Features that fire on these words more than elsewhere, and where the words occur. */
function showMoments(key, found, { count, rows, more }) {
  more.hidden = true;
  count.textContent = found.total ? `${plural(found.total, "place")} in ${plural(found.documents, "document")}; read in ${found.read.toLocaleString("en")}` : "";
  if (!found.total) { rows.replaceChildren(empty("These words occur nowhere", "The search is for whole words in any case.")); return; }
  rows.replaceChildren(h("div.moments", {}, h("div.lines", {}, found.features.map((each) => specificLine(key, each))), h("div.alike", {}, found.places.map((place) => placeLine(key, place)))));
}

export function featureLine(key, line, unit) {
  return h(`a.line.${hueOf(line)}`, { href: featureAddress(key, line.feature) },
    h("span.id", {}, line.feature),
    h("span.name", { dir: "auto" }, line.starred ? "★ " : "", nameOf(line, 5)),
    h("span.fact", { title: "mean length of a run" }, h("b", {}, short(line.dwell)), ` ${unit}s`),
    h("span.fact", { title: `share of ${unit}s` }, percent(line.density)),
    h("span.fact.wide", {}, plural(line.documents, "document")));
}

/** Which dictionary is looked at: a row of choices that leads to the same view of another one. */
export function dictionaryChoice(run, key, go) {
  if (run.dictionaries.length < 2) return null;
  return choices("dictionary", run.dictionaries.map((each) => [each.entry.key, each.entry.title]), key, go);
}
