// Activating examples of a feature: the top activations, then some of each fifth.

import { h, short } from "../../web/dom.js";
import { exampleOf, noteOnExamples } from "../../web/lanes.js";

const BEFORE = 60; // steps of the timeline before an example
const AFTER = 68;

/**
 * The API keeps its words of 0.1.0.
 * @type {Record<string, string>}
 */
const TITLES = { "Strongest moments": "Top activations" };

/** @type {PanelModule["default"]} */
export default ({ key, number, feature, hue }) => {
  const dictionary = encodeURIComponent(key);
  const quote = (/** @type {Api.Moment} */ example) => {
    const { position, sequence, source, value, time, is_text } = example;
    const view = `from=${Math.max(0, position - BEFORE)}&to=${position + AFTER}`;
    const href = `/timeline?d=${dictionary}&s=${sequence}&${view}&pins=${dictionary}:${number}`;
    const place = is_text ? "" : ` · ${time}`;
    const origin = h(
      "footer",
      {},
      h("a", { href }, source),
      `${place} · activation ${short(value)}`,
    );
    return h("blockquote", {}, exampleOf(example, hue), origin);
  };
  const bands = feature.bands.filter((band) => band.moments.length);
  const sections = bands.map(({ title, moments }) =>
    h("section.band", {}, h("h2", {}, TITLES[title] ?? title), moments.map(quote)),
  );
  const note = bands.length ? noteOnExamples(bands[0].moments[0]) : "";
  return h("div.bands", {}, note ? h("p.count", {}, note) : null, sections);
};
