// Explanations of one feature, drawn: rules as chips, scores as bars, words in context.

import { h, short } from "./dom.js";
import { link } from "./router.js";

/** @type {Record<string, string>} */
const PARTS = {
  active: "fires",
  onset: "begins",
  stay: "stays",
  end: "ends",
};

/** @type {[Api.ExplanationContext["outcome"], string, string][]} */
const OUTCOMES = [
  ["right", "Right", "active, and named by the explanation"],
  ["missed", "Missed", "active, but not named"],
  ["wrong", "Wrong", "named, but silent"],
];

/**
 * A rule as chips with "and" and "or" between them; a text as it is.
 * @param {Pick<Api.Explanation, "clauses" | "text">} explanation
 */
export function chips({ clauses, text }) {
  if (!clauses.length) return h("p.rule", { dir: "auto" }, text);
  const parts = clauses.flatMap((clause, i) => [
    i ? h("i.or", {}, "or") : null,
    h(
      "span.clause",
      {},
      clause.map((predicate, n) => [
        n ? h("i", {}, "and") : null,
        h("b.chip", { dir: "auto" }, predicate),
      ]),
    ),
  ]);
  return h("p.rule", {}, parts);
}

/**
 * A bar from one half to one for an accuracy, with a tick for that of exchanged explanations.
 * @param {number | null} accuracy
 * @param {number | null} swapped
 */
export function accuracyBar(accuracy, swapped) {
  const own = accuracy === null ? "not scored" : accuracy.toFixed(2);
  const other = swapped === null ? "" : `, other features' ${swapped.toFixed(2)}`;
  const bar = h("i.bar");
  bar.style.setProperty("--own", String(place(accuracy)));
  bar.style.setProperty("--swapped", String(place(swapped)));
  const title = `balanced accuracy ${own}${other}; 0.5 says nothing`;
  return h("span.accuracy", { title, role: "img", "aria-label": title }, bar, h("b", {}, own));
}

const place = (/** @type {number | null} */ value) =>
  value === null ? 0 : Math.max(0, Math.min(1, 2 * value - 1));

/**
 * One row for each part of each explainer.
 * @param {Api.ExplanationView} answer
 */
export function explanationList({ explanations }) {
  const several = new Set(explanations.map(({ explainer }) => explainer)).size > 1;
  return h(
    "div.explanation-list",
    {},
    explanations.map((one) =>
      h(
        "article",
        {},
        h("h3", {}, `It ${PARTS[one.part] ?? one.part} when`),
        h("div", {}, chips(one), several ? h("p.count", {}, one.explainer) : null),
        h("div", {}, accuracyBar(one.accuracy, one.swapped), scores(one)),
      ),
    ),
  );
}

/** @param {Api.Explanation} one */
function scores({ scores: all }) {
  const shown = all.filter(
    ({ name }) => !["accuracy", "swapped", "chosen_accuracy"].includes(name),
  );
  return h(
    "dl.facts.small",
    {},
    shown.map(({ name, value, definition }) =>
      h(
        "div",
        { title: definition },
        h("dt", {}, name.replaceAll("_", " ")),
        h("dd", {}, short(value)),
      ),
    ),
  );
}

/**
 * Held-out steps in three columns: right, missed and wrong.
 * @param {Api.ExplanationView} answer
 * @param {string} key of the dictionary
 * @param {Hue} hue
 */
export function explanationContexts({ contexts }, key, hue) {
  if (!contexts.length) return h("div");
  return h(
    `div.outcomes.${hue}`,
    {},
    OUTCOMES.map(([outcome, title, note]) => {
      const own = contexts.filter((context) => context.outcome === outcome);
      const none = h("p.count", {}, "None in the sample.");
      return h(
        `section.outcome.${outcome}`,
        {},
        h("h3", {}, title, h("span.count", {}, ` ${note}`)),
        own.length ? own.map((context) => passage(context, key)) : none,
      );
    }),
  );
}

/**
 * The words of a context: shaded where the feature is active, underlined where the rule holds.
 * @param {Api.ExplanationContext} context
 * @param {string} key
 */
function passage(context, key) {
  const { words, gaps, strengths, holds, first, position, sequence, source, is_text } = context;
  const spans = words.flatMap((word, i) => {
    const here = first + i === position;
    const span = h(
      `mark${holds[i] ? ".named" : ""}${here ? ".step" : ""}`,
      { title: title(strengths[i], holds[i]) },
      is_text ? word || "·" : " ",
    );
    if (strengths[i]) span.style.setProperty("--strength", `${12 + 0.5 * strengths[i]}%`);
    return i && is_text ? [gaps[i].replace("\n\n", " ⏎ "), span] : [span];
  });
  const dictionary = encodeURIComponent(key);
  const view = `from=${Math.max(0, position - 60)}&to=${position + 68}`;
  const href = link(`/timeline?d=${dictionary}&s=${sequence}&${view}`);
  return h(
    `blockquote${is_text ? "" : ".strip"}`,
    {},
    h("p", { dir: "auto" }, spans),
    h("footer", {}, h("a", { href }, source), ` · step ${position.toLocaleString("en")}`),
  );
}

const title = (/** @type {number} */ strength, /** @type {boolean} */ held) =>
  `${strength ? `active, ${strength}% of its peak` : "silent"}; ${held ? "named" : "not named"}`;
