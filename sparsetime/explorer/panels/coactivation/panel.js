// Co-activation: features that fire with a feature, shortly before it and shortly after it.

import { h, messageOf, percent, plural } from "../../web/dom.js";
import { relatedFeatures } from "../../web/related_features.js";

/** @type {PanelModule["default"]} */
export default function coactivation(page) {
  const { unit } = page;
  const note = h("p.count", {}, "Reading…");
  const section = h(
    "section.side",
    {},
    h("div.section-head", {}, h("h2", {}, "Co-activation")),
    note,
  );
  const shares = (/** @type {Api.CoactiveFeature} */ { share, chance }) => [
    h("b", {}, percent(share)),
    ` vs ${percent(chance)}`,
  ];
  const near = `within 5 ${unit}s, and by chance`;
  page.answer("coactivation").then(
    ({ documents, together, before, after }) => {
      const read = `Counted in ${plural(documents, "document")} of its examples.`;
      note.textContent = documents ? read : "";
      const lists = [
        relatedFeatures(
          page,
          "At the same time",
          `share of its ${unit}s, and by chance`,
          together,
          shares,
        ),
        relatedFeatures(page, "Shortly before", `share of its onsets ${near}`, before, shares),
        relatedFeatures(page, "Shortly after", `share of its ends ${near}`, after, shares),
      ];
      section.append(...lists.filter((list) => list !== null));
    },
    (error) => {
      note.textContent = messageOf(error);
    },
  );
  return section;
}
