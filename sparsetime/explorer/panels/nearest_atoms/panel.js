// Nearest atoms of a feature by cosine, in its dictionary and in the others of the run.

import { h } from "../../web/dom.js";
import { relatedFeatures } from "../../web/related_features.js";

export default function nearestAtoms(page) {
  const section = h("section.side", { hidden: true }, h("div.section-head", {}, h("h2", {}, "Nearest atoms")));
  const cosine = (feature) => h("b", {}, feature.share.toFixed(2));
  page.answer("coactivation").then(({ nearest, elsewhere }) => {
    section.hidden = !nearest.length && !elsewhere.length;
    section.append(...[
      relatedFeatures(page, "In this dictionary", "cosine", nearest, cosine),
      relatedFeatures(page, "In the others", "cosine", elsewhere, cosine),
    ].filter(Boolean));
  }, () => {}); // the panel of co-activation shows the error of the same answer
  return section;
}
