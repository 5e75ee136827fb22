// A list of features near another one, each with a number that says how near.

import { allWords, featureAddress, h, hueOf, nameOf } from "./dom.js";

/**
 * The list; null where it would be empty. Features of other dictionaries have its title.
 * @param {PanelPage} page
 * @param {string} title
 * @param {string} note
 * @param {Api.CoactiveFeature[]} features
 * @param {(feature: Api.CoactiveFeature) => Child} format the end of a line
 */
export function relatedFeatures({ run, key }, title, note, features, format) {
  if (!features.length) return null;
  const titles = new Map(run.dictionaries.map(({ entry }) => [entry.key, entry.title]));
  const lines = features.map((feature) => {
    const { dictionary, feature: number } = feature;
    const other = dictionary === key ? null : h("span.fact", {}, titles.get(dictionary));
    return h(
      `a.line.${hueOf(feature)}`,
      { href: featureAddress(dictionary, number) },
      h("span.id", {}, number),
      h("span.name", { dir: "auto", title: allWords(feature) }, nameOf(feature)),
      other,
      h("span.fact", {}, format(feature)),
    );
  });
  return h("div.related", {}, h("h3", {}, title), h("p.count", {}, note), lines);
}
