// A list of features near another one, each with a number that says how near.

import { featureAddress, h, hueOf, nameOf } from "./dom.js";

/** Null for an empty list. `format` makes what stands at the end of a line; other dictionaries are named. */
export function relatedFeatures(page, title, note, features, format) {
  if (!features.length) return null;
  const titles = new Map(page.run.dictionaries.map(({ entry }) => [entry.key, entry.title]));
  return h("div.related", {}, h("h3", {}, title), h("p.count", {}, note),
    features.map((feature) => h(`a.line.${hueOf(feature)}`, { href: featureAddress(feature.dictionary, feature.feature) },
      h("span.id", {}, feature.feature), h("span.name", { dir: "auto" }, nameOf(feature)),
      feature.dictionary === page.key ? null : h("span.fact", {}, titles.get(feature.dictionary)), h("span.fact", {}, format(feature)))));
}
