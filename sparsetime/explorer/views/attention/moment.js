// What a step read and what read it, as lists; and the strongest pairs of a head in context.

import { h, percent } from "../../web/dom.js";
import { shown } from "./geometry.js";

const LISTED = 10;

/** @typedef {import("./view.js").AttentionState} AttentionState */

/**
 * @param {AttentionState} state
 * @param {(step: number) => unknown} choose
 */
export function momentOf(state, choose) {
  const { moment, view } = state;
  const { layer, head } = view.heads[state.head];
  if (!moment)
    return h(
      "p.count",
      {},
      `No step of layer ${layer}, head ${head} is chosen. Click one on a lane or on the map.`,
    );
  const text = shown(view.texts[moment.step]);
  return h(
    "div",
    {},
    h("h2", {}, h("q", {}, text), h("small", {}, ` step ${moment.step.toLocaleString("en")}`)),
    h("p.count", {}, `layer ${layer}, head ${head}`),
    h("h3", {}, "reads"),
    steps(state, moment.reads, "low", choose),
    moment.rest > 0.005
      ? h("p.count", {}, `${percent(moment.rest)} of its attention is on weaker keys.`)
      : null,
    h("h3", {}, "is read by"),
    moment.readers.length
      ? steps(state, moment.readers, "high", choose)
      : h("p.count", {}, "It is among the strongest keys of no other step."),
  );
}

/**
 * @param {AttentionState} state
 * @param {readonly Api.WeightedStep[]} listed
 * @param {Hue} hue
 * @param {(step: number) => unknown} choose
 */
function steps({ view, policy }, listed, hue, choose) {
  const most = Math.max(...listed.map(({ weight }) => weight), 1e-9);
  return h(
    `ul.attention-steps.${hue}`,
    {},
    listed.slice(0, LISTED).map(({ step, weight, read }) => {
      const bar = h("i");
      bar.style.width = `${(100 * weight) / most}%`;
      const missed = policy !== null && !read[policy];
      return h(
        `li${missed ? ".missed" : ""}`,
        { title: missed ? `${view.entry.policies[policy]} does not read it` : null },
        h(
          "button",
          { click: () => choose(step) },
          h("span", {}, shown(view.texts[step])),
          h("small", {}, step.toLocaleString("en")),
        ),
        h("b", {}, bar),
        h("small", {}, percent(weight)),
      );
    }),
  );
}

/**
 * @param {AttentionState} state
 * @param {(step: number) => unknown} choose
 */
export function pairsOf({ view, head, pairs, policy }, choose) {
  const { layer, head: number } = view.heads[head];
  return h(
    "div",
    {},
    h("h2", {}, `Strongest pairs of layer ${layer}, head ${number}`),
    h(
      "p.count",
      {},
      "A step and what it read most, one pair for each key; without what steps read of themselves.",
    ),
    h(
      "ol.attention-pairs",
      {},
      pairs.map((pair) => {
        const missed = policy !== null && !pair.read[policy];
        return h(
          `li${missed ? ".missed" : ""}`,
          {},
          passage(pair.key_texts, pair.key_at, "low"),
          h(
            "button",
            {
              click: () => choose(pair.query),
              "aria-label": `step ${pair.query} reads step ${pair.key}, ${percent(pair.weight)}`,
            },
            `← ${percent(pair.weight)}, ${(pair.query - pair.key).toLocaleString("en")} back`,
          ),
          passage(pair.query_texts, pair.query_at, "high"),
        );
      }),
    ),
  );
}

/**
 * @param {readonly string[]} texts
 * @param {number} at
 * @param {Hue} hue
 */
const passage = (texts, at, hue) =>
  h(
    `p.${hue}`,
    {},
    texts.map((text, i) =>
      i === at ? h("mark.here", {}, shown(text)) : text.replaceAll("\n", "⏎"),
    ),
  );
