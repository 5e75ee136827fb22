// Co-activation: features that fire with a feature, shortly before it and shortly after it.

import { h, percent, plural } from "../../web/dom.js";
import { relatedFeatures } from "../../web/related_features.js";

export default function coactivation(page) {
  const { unit } = page, note = h("p.count", {}, "Reading…");
  const section = h("section.side", {}, h("div.section-head", {}, h("h2", {}, "Co-activation")), note);
  const shares = (feature) => [h("b", {}, percent(feature.share)), ` vs ${percent(feature.chance)}`];
  page.answer("coactivation").then((record) => {
    note.textContent = record.documents ? `Counted in ${plural(record.documents, "document")} of its examples.` : "";
    section.append(...[
      relatedFeatures(page, "At the same time", `share of its ${unit}s, and by chance`, record.together, shares),
      relatedFeatures(page, "Shortly before", `share of its onsets within 5 ${unit}s, and by chance`, record.before, shares),
      relatedFeatures(page, "Shortly after", `share of its ends within 5 ${unit}s, and by chance`, record.after, shares),
    ].filter(Boolean));
  }, (error) => { note.textContent = error.message; });
  return section;
}
