// Co-activation: features that fire with a feature, shortly before it and shortly after it.

import { h, messageOf, percent, plural } from "../../web/dom.js";
import { lasting, sequenceName } from "../../web/durations.js";
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
  page.answer("coactivation").then(
    ({ documents, lag, most, together, before, after }) => {
      const near = `within ${lasting(lag, page.run)}, and by chance`;
      const read = `Counted in ${plural(documents, sequenceName(page.run))} of its examples; of each list the ${most} furthest above chance.`;
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
