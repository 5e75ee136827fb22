// Heads in a table, sorted by what they do: copying, distance, entropy, and what policies keep.

import { h, percent, short } from "../../web/dom.js";
import { here, remember } from "../../web/router.js";

/** @typedef {import("./view.js").AttentionState} AttentionState */
/** @typedef {{key: string, title: string, value: (head: Api.AttentionHead, place: number) => number | null, text: (value: number) => string, about: string}} Column */

/** @type {Column[]} */
const OWN = [
  {
    key: "place",
    title: "head",
    value: (_, place) => -place,
    text: String,
    about: "by layer, and head of the layer",
  },
  {
    key: "copying",
    title: "copying",
    value: (head) => head.copying,
    text: percent,
    about: "share of repeated steps whose most read key followed the step's last copy",
  },
  {
    key: "distance",
    title: "steps back",
    value: (head) => head.distance,
    text: short,
    about: "mean distance from a step to what it reads, weighted by attention",
  },
  {
    key: "entropy",
    title: "entropy",
    value: (head) => head.entropy,
    text: short,
    about: "mean entropy of a step's attention, in nats; 0 reads one key",
  },
];

/**
 * The columns of a view: its own, and two a policy.
 * @param {Api.AttentionView} view
 * @returns {Column[]}
 */
export const columnsOf = (view) => [
  ...OWN,
  ...view.entry.policies.flatMap((name, i) => [
    {
      key: `kept${i}`,
      title: `${name} keeps`,
      value: (/** @type {Api.AttentionHead} */ head) => head.policies[i].mass_kept,
      text: percent,
      about: `mean share of the attention mass on the keys that ${name} reads`,
    },
    {
      key: `sparsity${i}`,
      title: "leaves out",
      value: (/** @type {Api.AttentionHead} */ head) => head.policies[i].sparsity,
      text: percent,
      about: `share of pairs that ${name} does not read`,
    },
  ]),
];

/**
 * Places of the heads, the largest value first; heads without one come last.
 * @param {readonly Api.AttentionHead[]} heads
 * @param {Column} column
 */
export function sorted(heads, column) {
  const places = heads.map((_, place) => place);
  const value = (/** @type {number} */ place) =>
    column.value(heads[place], place) ?? Number.NEGATIVE_INFINITY;
  return places.sort((a, b) => value(b) - value(a) || a - b);
}

/**
 * The head that copies most.
 * @param {Api.AttentionView} view
 */
export function mostCopying({ heads }) {
  const scores = heads.map((head) => head.copying ?? 0);
  return scores.indexOf(Math.max(...scores));
}

/**
 * @param {AttentionState} state
 * @param {(head: number) => void} choose
 */
export function headTable(state, choose) {
  const { view } = state;
  const columns = columnsOf(view);
  const column = columns.find(({ key }) => key === (here().get("sort") ?? "copying")) ?? columns[0];
  const table = h("table.attention-heads");
  const header = columns.map((one) =>
    h(
      "th",
      { scope: "col", "aria-sort": one === column ? "descending" : null },
      h(
        "button",
        {
          title: one.about,
          click: () => {
            remember({ sort: one.key });
            table.replaceWith(headTable(state, choose));
          },
        },
        one.title,
      ),
    ),
  );
  const most = columns.map((one) =>
    Math.max(...view.heads.map((head, place) => one.value(head, place) ?? 0), 1e-12),
  );
  const rows = sorted(view.heads, column).map((place) => {
    const head = view.heads[place];
    const chosen = place === state.head;
    return h(
      `tr${chosen ? ".chosen" : ""}`,
      {},
      h(
        "th",
        { scope: "row" },
        h(
          "button",
          { click: () => choose(place), "aria-pressed": String(chosen) },
          `layer ${head.layer}, head ${head.head}`,
        ),
      ),
      columns.slice(1).map((one, i) => {
        const value = one.value(head, place);
        const bar = h("i");
        bar.style.width = `${(100 * Math.max(0, value ?? 0)) / most[i + 1]}%`;
        return h("td", {}, bar, h("span", {}, value === null ? "–" : one.text(value)));
      }),
    );
  });
  table.append(h("thead", {}, h("tr", {}, header)), h("tbody", {}, rows));
  return table;
}
