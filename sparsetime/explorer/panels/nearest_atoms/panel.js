// Nearest atoms of a feature by cosine, in its dictionary and in the others of the run.

import { h } from "../../web/dom.js";
import { relatedFeatures } from "../../web/related_features.js";

/** @type {PanelModule["default"]} */
export default function nearestAtoms(page) {
  const note = h("p.count");
  const head = h("div.section-head", {}, h("h2", {}, "Nearest atoms"), note);
  const section = h("section.side", { hidden: true }, head);
  const cosine = (/** @type {Api.CoactiveFeature} */ { share }) => h("b", {}, share.toFixed(2));
  page.answer("coactivation").then(
    ({ nearest, elsewhere, most }) => {
      note.textContent = `The ${most} of the highest cosine.`;
      section.hidden = !nearest.length && !elsewhere.length;
      const lists = [
        relatedFeatures(page, "In this dictionary", "cosine", nearest, cosine),
        relatedFeatures(page, "In the others", "cosine", elsewhere, cosine),
      ];
      section.append(...lists.filter((list) => list !== null));
    },
    () => {}, // the panel of co-activation shows the error of the same answer
  );
  return section;
}
