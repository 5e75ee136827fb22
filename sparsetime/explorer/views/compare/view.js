// Two dictionaries compared atom by atom: shared, split, on one side only; and FVU against L0.

import { ask } from "../../web/api.js";
import { choices, dropdown, empty, featureAddress, h, messageOf, nameOf } from "../../web/dom.js";
import { sequenceName } from "../../web/durations.js";
import { featureLine, splitBars } from "../../web/feature_line.js";
import { dictionaryOf } from "../../web/feature_list.js";
import { histogram } from "../../web/histogram.js";
import { conditionChoice, recordingLabels, splitChoice } from "../../web/recording_filter.js";
import { exported, here, remember } from "../../web/router.js";
import { pareto } from "./pareto.js";

const MOST = 2000; // entries of a list
const WAIT =
  "Matching every atom with its nearest. The first time this takes a moment; the result is kept beside the run.";

/** @type {[string, string][]} */
const LISTS = [
  ["shared", "shared"],
  ["split", "split"],
  ["only", "only on one side"],
];

/**
 * @typedef {object} Side one of the two dictionaries
 * @property {string} key
 * @property {string} title
 */

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
export default async function compareView(at, run) {
  const keys = run.dictionaries.map(({ entry }) => entry.key);
  if (keys.length < 2) {
    const how = "Train and index another one in this run to compare them.";
    at.append(empty("There is one dictionary only", how));
    return;
  }
  const inAddress = (/** @type {string} */ name) => keys.find((key) => key === here().get(name));
  const leftKey = inAddress("left") ?? keys[0];
  const rightKey = inAddress("right") ?? keys.find((key) => key !== leftKey) ?? keys[0];
  const side = (/** @type {string} */ key) => ({ key, title: dictionaryOf(run, key).entry.title });
  const [left, right] = [side(leftKey), side(rightKey)];
  const labels = await commonLabels(left.key, right.key);
  const chosen = (/** @type {string} */ name, /** @type {string[]} */ values) =>
    values.find((value) => value === here().get(name)) ?? "";
  const conditions = labels.flatMap(({ name, values }) =>
    values.map(({ value }) => `${name}:${value}`),
  );
  const asked = {
    left: left.key,
    right: right.key,
    only: chosen("only", conditions),
    split: chosen(
      "split",
      labels.map(({ name }) => name),
    ),
  };
  const status = h("p.count", { role: "status" }, WAIT);
  at.append(header(at, run, left, right, labels, asked), status);
  at.style.opacity = ""; // the page is hidden until the view is drawn; this wait must be seen
  let answer = await ask("compare", asked);
  status.remove();

  const list = h("div");
  /** @type {Record<string, () => HTMLElement>} */
  const lists = {
    shared: () => sharedList(answer, left, right),
    split: () => splitLists(answer, left, right),
    only: () => oneSidedLists(answer, left, right, run),
  };
  const show = (/** @type {string} */ name) => {
    remember({ show: name === "shared" ? "" : name });
    const cut = cutNote(answer, name);
    const showAll = async () => {
      answer = await ask("compare", { ...asked, shown: MOST });
      show(name);
    };
    const button = exported ? null : h("button.more", { click: showAll }, "Show all");
    list.replaceChildren(
      lists[name](),
      ...(cut ? [h("p.count", {}, cut), ...(button ? [button] : [])] : []),
    );
  };
  const shown = LISTS.find(([name]) => name === here().get("show"))?.[0] ?? "shared";
  const title = `Cosine of each feature of ${left.title} and its nearest`;
  const { cosines } = answer;
  const charts = [histogram({ title, unit: "", ...cosines }), pareto(run)];
  at.append(
    counts(answer, left, right),
    h("section.charts", {}, charts),
    h("section", {}, h("div.controls", {}, choices("show", LISTS, shown, show)), list),
  );
  show(shown);
}

/**
 * The labels that recordings of both sides have, with the values that both have.
 * @param {string} left
 * @param {string} right
 */
async function commonLabels(left, right) {
  const [own, others] = await Promise.all([recordingLabels(left), recordingLabels(right)]);
  return own.flatMap(({ name, values }) => {
    const other = others.find((label) => label.name === name);
    const both = values.filter(({ value }) => other?.values.some((one) => one.value === value));
    return both.length ? [{ name, values: both }] : [];
  });
}

/**
 * How much of the lists is shown, where that is not all; empty otherwise.
 * @param {Api.CompareView} answer
 * @param {string} name of the list
 */
export function cutNote(answer, name) {
  /** @type {Record<string, [number, number][]>} */
  const sizes = {
    shared: [[answer.matches.length, answer.shared]],
    split: [
      [answer.splits_left.length, answer.split_left],
      [answer.splits_right.length, answer.split_right],
    ],
    only: [
      [answer.alone_left.length, answer.only_left],
      [answer.alone_right.length, answer.only_right],
    ],
  };
  const cut = sizes[name].filter(([shown, all]) => shown < all);
  const texts = cut.map(([shown, all]) => `${shown} of ${all.toLocaleString("en")}`);
  return texts.length ? `Shown: ${texts.join(" and ")}.` : "";
}

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 * @param {Side} left
 * @param {Side} right
 * @param {Api.RecordingLabel[]} labels
 * @param {{only: string, split: string}} chosen
 */
function header(at, run, left, right, labels, { only, split }) {
  /** @type {[string, string][]} */
  const titles = run.dictionaries.map(({ entry }) => [entry.key, entry.title]);
  const change = (/** @type {Record<string, string>} */ address) => {
    remember(address, true);
    at.replaceChildren();
    compareView(at, run).catch((error) =>
      at.append(empty("This cannot be compared", messageOf(error))),
    );
  };
  const choose = (/** @type {string} */ name, /** @type {Side} */ side) =>
    dropdown(name, titles, side.key, (key) => change({ [name]: key }));
  const lead = "Each feature and the atom most like it on the other side.";
  const controls = [
    choose("left", left),
    "with",
    choose("right", right),
    conditionChoice(labels, sequenceName(run), only, (value) => change({ only: value })),
    splitChoice(labels, split, (value) => change({ split: value })),
  ];
  return h(
    "header.head",
    {},
    h("div", {}, h("h1", {}, "Compare"), h("p.lead", {}, lead)),
    h("div.controls", {}, controls),
  );
}

/**
 * @param {Api.CompareView} answer
 * @param {Side} left
 * @param {Side} right
 */
function counts(answer, left, right) {
  const near = `cosine ${answer.threshold} or more`;
  const split = (/** @type {Side} */ other) =>
    `two or more of ${other.title} have it as their nearest, ${near}`;
  const only = `no atom on the other side has a ${near}`;
  /** @type {[number, string, string][]} */
  const rows = [
    [answer.shared, "shared", `pairs that are each other's nearest, ${near}`],
    [answer.split_left, `of ${left.title} are split`, split(right)],
    [answer.split_right, `of ${right.title} are split`, split(left)],
    [answer.only_left, `only in ${left.title}`, only],
    [answer.only_right, `only in ${right.title}`, only],
  ];
  const entries = rows.map(([count, name, note]) =>
    h("div", { title: note }, h("dd", {}, count.toLocaleString("en")), h("dt", {}, name)),
  );
  return h("dl.statistics", {}, entries);
}

/**
 * @param {string} key
 * @param {Api.FeatureLine} line
 */
const featureLink = (key, line, values = /** @type {string[]} */ ([])) =>
  h(
    "a",
    { href: featureAddress(key, line.feature), dir: "auto" },
    splitBars(line, values),
    nameOf(line),
  );

/** @param {string} title */
const none = (title) => empty(title, "At this threshold.");

/**
 * @param {Api.CompareView} answer
 * @param {Side} left
 * @param {Side} right
 */
function sharedList({ matches, split_values: values }, left, right) {
  if (!matches.length) return none("They share nothing");
  const pairs = matches.map((match) => {
    const cosine = h("b", {}, `↔ ${match.cosine.toFixed(2)}`);
    const a = featureLink(left.key, match.left, values);
    const b = featureLink(right.key, match.right, values);
    return h("div.pair", {}, a, cosine, b);
  });
  return h("div.pairs", {}, pairs);
}

/**
 * @param {Api.CompareView} answer
 * @param {Side} left
 * @param {Side} right
 */
function splitLists(answer, left, right) {
  const values = answer.split_values;
  const column = (
    /** @type {Api.CompareView["splits_left"]} */ splits,
    /** @type {Side} */ side,
    /** @type {Side} */ other,
  ) => {
    const title = `One in ${side.title}, several in ${other.title}`;
    const lines = splits.map(({ whole, of, parts, cosines }) => {
      const more = of - parts.length;
      const list = parts.map((part, i) =>
        h("p", {}, h("b", {}, cosines[i].toFixed(2)), featureLink(other.key, part, values)),
      );
      const rest = more ? h("p.count", {}, `and ${more.toLocaleString("en")} more`) : null;
      return h("div.split", {}, featureLink(side.key, whole, values), h("div", {}, list, rest));
    });
    const content = lines.length ? lines : none("None is split");
    return h("section", {}, h("div.section-head", {}, h("h2", {}, title)), content);
  };
  return h(
    "div.columns.even",
    {},
    column(answer.splits_left, left, right),
    column(answer.splits_right, right, left),
  );
}

/**
 * @param {Api.CompareView} answer
 * @param {Side} left
 * @param {Side} right
 * @param {Api.Overview} run
 */
function oneSidedLists(answer, left, right, run) {
  const column = (/** @type {Api.FeatureLine[]} */ lines, /** @type {Side} */ side) => {
    const note = h("p", {}, "Lowest cosine with the other side first.");
    const values = answer.split_values;
    const list = lines.map((line) => featureLine(side.key, line, run, undefined, values));
    const head = h("div.section-head", {}, h("h2", {}, `Only in ${side.title}`), note);
    return h(
      "section",
      {},
      head,
      list.length ? h("div.lines", {}, list) : none("Every feature has a match"),
    );
  };
  const columns = [column(answer.alone_left, left), column(answer.alone_right, right)];
  return h("div.columns.even", {}, columns);
}
