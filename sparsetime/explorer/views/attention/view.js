// Attention along time: what a step read and what read it, a lane a head, and the pattern map.

import { ask, of } from "../../web/api.js";
import { dropdown, empty, h, latest, messageOf, plural, settled } from "../../web/dom.js";
import { here, remember } from "../../web/router.js";
import { Viewport } from "../../web/viewport.js";
import { Board } from "./board.js";
import { HUES } from "./cells.js";
import { headTable, mostCopying } from "./heads.js";
import { listen } from "./input.js";
import { momentOf, pairsOf } from "./moment.js";

const SETTLE = 90; // milliseconds without a move before cells are fetched
const [FINE, COARSE] = [384, 256]; // cells of a side of the map, the latter of long sequences
const LONG = 2048; // steps in view, of which more cells take longer than an eye waits
const FEATURES = 8; // rows of features over the map
const HOW =
  "Keep some with sparsetime attend MODEL POLICY --data … --keep RUN/attention/NAME, where RUN is the folder of this run.";

/**
 * @typedef {object} AttentionState
 * @property {Api.AttentionView} view
 * @property {string} name of the folder
 * @property {number} head
 * @property {number | null} policy laid over the attention
 * @property {number | null} second another one
 * @property {"distance" | "received" | "entropy"} value of the lanes
 * @property {number | null} step that was chosen
 * @property {Viewport} keys in view, to the right
 * @property {Viewport} queries in view, downwards
 * @property {Api.AttentionLanes | null} lanes
 * @property {Api.AttentionMap | null} map
 * @property {Api.AttentionMoment | null} moment
 * @property {Api.ContextPair[]} pairs
 * @property {Api.TimelineRow[]} features
 * @property {number} featureFirst first step of their columns
 * @property {number} featureStride steps of a column
 */

/** @type {[AttentionState["value"], string][]} */
const VALUES = [
  ["distance", "distance back"],
  ["received", "attention received"],
  ["entropy", "entropy"],
];

/** @type {View} */
export default async function attentionView(at, run) {
  const listed = await ask("attention");
  const sound = listed.filter((one) => !one.note);
  const notes = listed
    .filter((one) => one.note)
    .map((one) => h("p.notes", {}, `${one.name} is not shown: ${one.note}`));
  if (!sound.length) {
    at.append(...notes, empty("This run keeps no attention", HOW));
    return null;
  }
  const name = sound.find((one) => one.name === here().get("name"))?.name ?? sound[0].name;
  const view = await ask(`attention/${encodeURIComponent(name)}`);
  const state = stateOf(view, name);
  const canvas = h("canvas.attention", {
    tabindex: "0",
    "aria-label":
      "Heads, features and the pattern map along time. Arrows choose a step and a head, plus and minus zoom, 0 shows all.",
  });
  const moment = h("section.attention-moment", { "aria-live": "polite" });
  const table = h("div.scroll");
  const pairs = h("section");
  const again = (/** @type {string} */ other) => {
    remember({ name: other, head: "", step: "", from: "", to: "", q: "", policy: "", second: "" });
    stop();
    at.replaceChildren();
    attentionView(at, run, {}).catch((error) =>
      at.append(empty("This attention cannot be shown", messageOf(error))),
    );
  };
  const legendAt = h("p.attention-legend");
  at.append(
    ...notes,
    h(
      "header.head",
      {},
      h("div", {}, h("h1", {}, "Attention"), h("p.lead", {}, lead(view))),
      h("div.controls", {}, ...controls()),
    ),
    legendAt,
    h("div.attention-board", {}, canvas, h("aside", {}, moment)),
    h("section", {}, h("h2", {}, "Heads"), table),
    pairs,
  );
  const board = new Board(canvas, state);
  const base = /** @type {const} */ (`attention/${encodeURIComponent(name)}`);
  const [askLanes, askMap, askMoment] = [latest(), latest(), latest()];

  function controls() {
    /** @type {[string, string][]} */
    const names = sound.map((one) => [one.name, one.name]);
    /** @type {[string, string][]} */
    const policies = view.entry.policies.map((policy, i) => [String(i), policy]);
    const chosen = (/** @type {number | null} */ place) => (place === null ? "" : String(place));
    const number = (/** @type {string} */ value) => (value === "" ? null : Number(value));
    return [
      names.length > 1 ? dropdown("kept attention", names, name, again) : null,
      dropdown("value of the lanes", VALUES, state.value, (value) => {
        state.value = /** @type {AttentionState["value"]} */ (value);
        remember({ value });
        loadLanes();
      }),
      policies.length
        ? dropdown(
            "policy",
            [["", "attention alone"], ...policies],
            chosen(state.policy),
            (value) => {
              state.policy = number(value);
              remember({ policy: value === "" ? "none" : value });
              drawAll();
            },
          )
        : null,
      policies.length > 1
        ? dropdown(
            "second policy",
            [["", "no second policy"], ...policies],
            chosen(state.second),
            (value) => {
              state.second = number(value);
              remember({ second: value });
              drawAll();
            },
          )
        : null,
    ];
  }

  async function loadLanes() {
    const { first, stop: end } = state.keys.steps;
    const columns = Math.max(1, Math.min(2048, Math.round(board.wide)));
    const isLast = askLanes();
    const lanes = await ask(`${base}/lanes`, { value: state.value, first, stop: end, columns });
    if (!isLast()) return;
    state.lanes = lanes;
    board.paintColumns();
    board.draw();
    loadFeatures(first, end, isLast);
  }

  /** @type {(first: number, end: number, isLast: () => boolean) => Promise<void>} */
  async function loadFeatures(first, end, isLast) {
    const [key] = view.dictionaries;
    if (view.sequence === null || !key) return;
    const path = /** @type {const} */ (`${of(key)}/sequences/${String(view.sequence)}/timeline`);
    const answer = await ask(path, { first, stop: end, rows: FEATURES, columns: 2048 });
    if (!isLast()) return;
    const grew = state.features.length !== answer.rows.length;
    state.features = [...answer.rows].sort((a, b) => a.place - b.place);
    state.featureFirst = answer.first;
    state.featureStride = answer.stride;
    if (grew) board.resize();
    else board.draw();
  }

  async function loadMap() {
    const isLast = askMap();
    const { keys, queries, head, policy, second } = state;
    const answer = await ask(`${base}/heads/${String(head)}/map`, {
      policy,
      second: policy === null || second === policy ? null : second,
      first_query: queries.steps.first,
      stop_query: queries.steps.stop,
      first_key: keys.steps.first,
      stop_key: keys.steps.stop,
      cells: Math.max(queries.width, keys.width) > LONG ? COARSE : FINE,
    });
    if (!isLast()) return;
    state.map = answer;
    board.paintCells();
    board.draw();
  }

  async function loadHead() {
    const { head } = state;
    const answer = await ask(`${base}/heads/${String(head)}/pairs`);
    if (head !== state.head) return;
    state.pairs = answer;
    pairs.replaceChildren(pairsOf(state, choose));
  }

  /** @param {number | null} step */
  async function choose(step) {
    state.step = step === null ? null : Math.max(0, Math.min(view.texts.length - 1, step));
    remember({ step: state.step });
    const isLast = askMoment();
    const path = /** @type {const} */ (`${base}/heads/${String(state.head)}/moment`);
    const answer = state.step === null ? null : await ask(path, { step: state.step });
    if (!isLast()) return;
    state.moment = answer;
    moment.replaceChildren(momentOf(state, choose));
    board.draw();
  }

  /** @param {number} head */
  function chooseHead(head) {
    state.head = Math.max(0, Math.min(view.heads.length - 1, head));
    remember({ head: state.head });
    drawAll();
  }

  function drawAll() {
    legendAt.replaceChildren(...legend(state));
    table.replaceChildren(headTable(state, chooseHead));
    loadMap();
    loadHead();
    choose(state.step);
  }

  const fetchLater = settled(() => {
    loadMap();
    loadLanes();
    const { keys, queries } = state;
    const whole = keys.width === view.texts.length && queries.width === view.texts.length;
    const range = (/** @type {Viewport} */ v) => `${v.from.toFixed(1)},${v.to.toFixed(1)}`;
    remember({ from: whole ? "" : range(keys), q: whole ? "" : range(queries) });
  }, SETTLE);
  const moved = () => {
    board.draw();
    fetchLater();
  };
  listen(board, { moved, choose, chooseHead });
  const resized = () => board.resize();
  addEventListener("resize", resized);
  addEventListener("themechange", resized);
  function stop() {
    removeEventListener("resize", resized);
    removeEventListener("themechange", resized);
  }
  await loadLanes();
  drawAll();
  return stop;
}

/**
 * @param {Api.AttentionView} view
 * @param {string} name
 * @returns {AttentionState}
 */
function stateOf(view, name) {
  const query = here();
  const length = view.texts.length;
  const place = (/** @type {string} */ key, /** @type {number} */ count) => {
    const number = Number(query.get(key) ?? Number.NaN);
    return Number.isInteger(number) && number >= 0 && number < count ? number : null;
  };
  const range = (/** @type {string} */ key) => {
    const [from, to] = (query.get(key) ?? "").split(",").map(Number);
    const port = new Viewport(0, length, length);
    if (to > from) port.place(from, to);
    return port;
  };
  const policies = view.entry.policies.length;
  const first = query.get("policy") === "none" ? null : (place("policy", policies) ?? 0);
  const value = VALUES.find(([one]) => one === query.get("value"))?.[0] ?? "distance";
  return {
    view, name, value,
    head: place("head", view.heads.length) ?? mostCopying(view),
    policy: policies ? first : null,
    second: place("second", policies),
    step: query.has("step") ? place("step", length) : null,
    keys: range("from"),
    queries: range("q"),
    lanes: null, map: null, moment: null, pairs: [], features: [],
    featureFirst: 0, featureStride: 1,
  }; // biome-ignore format: fields by what they are for
}

/** @param {Api.AttentionView} view */
const lead = ({ entry, heads }) =>
  `${plural(entry.steps, "step")} read by ${plural(heads.length, "head")} of ${entry.model.split("/").pop()}.`;

/** @param {AttentionState} state */
function legend({ view, policy, second }) {
  const names = view.entry.policies;
  const mark = (/** @type {keyof typeof HUES} */ part, /** @type {string} */ text) =>
    h(`span.${HUES[part][0]}-mark`, {}, h(`i${HUES[part][1] < 1 ? ".weak" : ""}`), text);
  if (policy === null) return [h("span.ink-mark", {}, h("i"), "attention mass")];
  const first = names[policy];
  if (second === null || second === policy)
    return [
      mark("kept", `mass that ${first} keeps`),
      mark("missed", "mass that it misses"),
      mark("wasted", "pairs that it reads beside the strongest"),
    ];
  return [
    mark("both", "mass that both keep"),
    mark("kept", `${first} alone`),
    mark("second", `${names[second]} alone`),
    mark("missed", "neither"),
  ];
}
