// Lead and lag: features that begin shortly before a feature and shortly after it, with their lag.

import { h, messageOf, percent, plural } from "../../web/dom.js";
import { lasting, sequenceName } from "../../web/durations.js";
import { relatedFeatures } from "../../web/related_features.js";

/** @type {PanelModule["default"]} */
export default function leadLag(page) {
  const note = h("p.count", {}, "Reading…");
  const head = h("div.section-head", {}, h("h2", {}, "Lead and lag"));
  const section = h("section.side", {}, head, note);
  const list = (/** @type {string} */ title, /** @type {readonly Api.LeadingFeature[]} */ found) =>
    relatedFeatures(
      page,
      title,
      "mean lag, and share of the later one's beginnings",
      found.map((feature) => ({ ...feature, dictionary: page.key, chance: 0 })),
      ({ feature, share }) => [
        h("b", {}, lasting(found.find((each) => each.feature === feature)?.lag ?? 0, page.run)),
        ` ${percent(share)}`,
      ],
    );
  page.answer("lead_lag").then(
    ({ leads, follows, within, sequences, reason }) => {
      const read = plural(sequences, sequenceName(page.run));
      const none = leads.length || follows.length ? "" : "None does so more than by chance. ";
      note.textContent =
        reason ||
        `${none}Beginnings within ${lasting(within, page.run)}, beyond 19 circular shifts, in ${read}.`;
      const lists = [list("Begin before it", leads), list("Begin after it", follows)];
      section.append(...lists.filter((each) => each !== null));
    },
    (error) => {
      note.textContent = messageOf(error);
    },
  );
  return section;
}
