// Activating examples of a feature: the top activations, then some of each fifth.

import { h, short } from "../../web/dom.js";
import { exampleOf } from "../../web/lanes.js";

const TITLES = { "Strongest moments": "Top activations" }; // the API keeps its words of 0.1.0
const BEFORE = 60, AFTER = 68; // steps of the timeline around an example

export default ({ key, number, feature, hue }) => h("div.bands", {}, feature.bands.filter((band) => band.moments.length).map((band) =>
  h("section.band", {}, h("h2", {}, TITLES[band.title] ?? band.title), band.moments.map((example) => {
    const from = Math.max(0, example.position - BEFORE);
    const address = `/timeline?d=${encodeURIComponent(key)}&s=${example.sequence}&from=${from}&to=${example.position + AFTER}&pins=${encodeURIComponent(key)}:${number}`;
    return h("blockquote", {}, exampleOf(example, hue), h("footer", {}, h("a", { href: address }, example.source), ` · ${short(example.value)}`));
  }))));
