// Features enriched on words that were searched for, and the places where the words occur.

import { empty, h, plural } from "./dom.js";
import { placeLine, specificLine } from "./selection.js";

/**
 * Features enriched on the words that were searched for, and the places of the words.
 * @param {string} key
 * @param {Api.WordSearch} answer
 * @param {HTMLElement} count
 * @param {HTMLElement} rows
 */
export function showMoments(key, answer, count, rows) {
  const { total, documents, read, features, enriched, places, within_words } = answer;
  const where = `${plural(total, "place")} in ${plural(documents, "document")}`;
  const within = within_words ? ", all within longer words" : "";
  const shown = `${places.length} of the places and ${features.length} of ${plural(enriched, "feature")} shown`;
  count.textContent = total
    ? `${where}${within}; features read at ${read.toLocaleString("en")}; ${shown}`
    : "";
  if (!total) {
    const note = "The search is in any case, for whole words first.";
    rows.replaceChildren(empty("These words occur nowhere", note));
    return;
  }
  const lines = features.map((feature) => specificLine(key, feature));
  const alike = places.map((place) => placeLine(key, place));
  rows.replaceChildren(h("div.moments", {}, h("div.lines", {}, lines), h("div.alike", {}, alike)));
}
