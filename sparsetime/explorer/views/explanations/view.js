// Explanations: a queue of features beside the rules of one, right and wrong in context.

import { ask, of } from "../../web/api.js";
import {
  choices,
  empty,
  featureAddress,
  h,
  hueOf,
  messageOf,
  nameOf,
  plural,
} from "../../web/dom.js";
import { accuracyBar, explanationContexts, explanationList } from "../../web/explanation.js";
import { dictionaryChoice, dictionaryOf, keyInAddress } from "../../web/feature_list.js";
import { here, link, remember } from "../../web/router.js";
import { naming } from "../feature/naming.js";

const HOW = "sparsetime explain writes rules beside an index, without a language model.";
const SHOWN = 400; // lines of the queue

/** @type {[string, string][]} */
const ORDERS = [
  ["poorest", "poorest first"],
  ["best", "best first"],
  ["frequent", "most frequent"],
  ["unnamed", "without a person's name"],
];

/** @type {Record<string, (a: Api.ExplainedFeature, b: Api.ExplainedFeature) => number>} */
const COMPARE = {
  poorest: (a, b) => a.accuracy - b.accuracy,
  best: (a, b) => b.accuracy - a.accuracy,
  frequent: (a, b) => b.density - a.density,
  unnamed: (a, b) => Number(Boolean(a.label)) - Number(Boolean(b.label)) || b.density - a.density,
};

/** @type {View} */
export default async function explanationsView(at, run) {
  const key = keyInAddress(run);
  const { title } = dictionaryOf(run, key).entry;
  const queue = await ask(`${of(key)}/explanations`);
  const open = async (/** @type {string} */ other) => {
    remember({ dictionary: other, feature: "" }, true);
    at.replaceChildren();
    await explanationsView(at, run, {});
  };
  const lead = queue.total
    ? `${title}: ${plural(queue.total, "feature")} explained, balanced accuracy ${two(queue.mean_accuracy)} on recordings that chose nothing; with exchanged explanations ${two(queue.mean_swapped)}.`
    : `${title}: when does each feature fire?`;
  const head = h("div", {}, h("h1", {}, "Explanations"), h("p.lead", {}, lead));
  at.append(h("header.head", {}, head, dictionaryChoice(run, key, open) ?? []));
  if (!queue.total) {
    at.append(empty("No feature is explained yet", HOW));
    return null;
  }
  const list = h("div.lines.compact.queue");
  const detail = h("div.explained", { "aria-live": "polite" });
  let order = ORDERS.find(([name]) => name === here().get("order"))?.[0] ?? "poorest";
  /** @type {Api.ExplainedFeature[]} */
  let lines = [];
  let chosen = -1;

  const show = async (/** @type {number} */ place) => {
    chosen = Math.max(0, Math.min(place, lines.length - 1));
    const line = lines[chosen];
    remember({ feature: String(line.feature) });
    [...list.children].forEach((element, i) => {
      if (i === chosen) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    });
    const element = list.children[chosen];
    // Not scrollIntoView, which would scroll the page as well.
    if (element instanceof HTMLElement) {
      const above = element.offsetTop - list.offsetTop;
      if (above < list.scrollTop || above > list.scrollTop + list.clientHeight - 60) {
        list.scrollTop = above - 60;
      }
    }
    detail.replaceChildren(await explained(key, line, () => show(chosen + 1)));
  };
  const write = (/** @type {string} */ name) => {
    order = name;
    remember({ order: name === "poorest" ? "" : name });
    lines = [...queue.lines].sort(COMPARE[name]).slice(0, SHOWN);
    list.replaceChildren(...lines.map((line, i) => queueLine(line, () => show(i))));
  };
  const cut =
    queue.total > SHOWN ? h("p.count", {}, `The first ${SHOWN} in this order are listed.`) : null;
  const controls = h(
    "div.controls",
    {},
    choices("order", ORDERS, order, (name) => start(name)),
  );
  const start = (/** @type {string} */ name) => {
    write(name);
    return show(0);
  };
  at.append(controls, h("div.explaining", {}, h("div", {}, list, cut), detail));
  write(order);
  const asked = lines.findIndex(({ feature }) => String(feature) === here().get("feature"));
  await show(Math.max(asked, 0));
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (!(event.target instanceof Element) || event.target.closest("input, textarea, select")) {
      return;
    }
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by) show(chosen + by);
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

const two = (/** @type {number | null} */ value) => (value === null ? "–" : value.toFixed(2));

/**
 * @param {Api.ExplainedFeature} line
 * @param {() => void} open
 */
const queueLine = (line, open) =>
  h(
    `button.line.${hueOf(line)}`,
    { type: "button", click: open },
    h("span.id", {}, line.feature),
    h("span.name", { dir: "auto", title: line.short }, line.label || line.short),
    accuracyBar(line.accuracy, line.swapped),
  );

/**
 * The explanations of one feature, its name, and the way to the next.
 * @param {string} key
 * @param {Api.ExplainedFeature} line
 * @param {() => void} next
 */
async function explained(key, line, next) {
  try {
    const [answer, view] = await Promise.all([
      ask(`${of(key)}/features/${line.feature}/explanations`),
      ask(`${of(key)}/features/${line.feature}`),
    ]);
    const name = nameOf(line, 5);
    return h(
      `div.${hueOf(line)}`,
      {},
      h(
        "header.head.tight",
        {},
        h("h2", { dir: "auto" }, h("a", { href: link(featureAddress(key, line.feature)) }, name)),
        naming(key, view.line),
        h("button.more", { type: "button", click: next }, "Next feature"),
      ),
      explanationList(answer),
      explanationContexts(answer, key, hueOf(line)),
      h("p.count", {}, sentence(answer.halves), ". Arrow keys lead to the next feature."),
    );
  } catch (error) {
    return empty("This feature cannot be shown", messageOf(error));
  }
}

const sentence = (/** @type {string} */ text) => text.charAt(0).toUpperCase() + text.slice(1);
