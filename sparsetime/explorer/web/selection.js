// The selected segment: the features specific to it, and similar passages.

import { featureAddress, h, hueOf, nameOf, percent, plural } from "./dom.js";

export async function showSelection(timeline) {
  const { keys, text, unit } = timeline, [first, stop] = timeline.selection;
  const found = await Promise.all(keys.map((key) => timeline.asked("specific", { first, stop }, key)));
  if (!timeline.selection) return;
  const words = text.words.slice(first, stop).map((word, i) => (i ? text.gaps[first + i] : "") + word).join("");
  const quoted = text.is_text ? `“${words.length > 160 ? `${words.slice(0, 159)}…` : words}”, ` : `from ${first} on, `;
  const others = h("div.alike");
  timeline.aside.hidden = false;
  timeline.aside.replaceChildren(h("div.section-head", {}, h("h2", {}, "Features specific to this segment"), h("p", { dir: "auto" }, quoted, plural(stop - first, unit))),
    h("div.lines.compact", {}, found.flatMap((list, i) => list.map((each) => specificLine(keys[i], each)))), others);
  const alike = timeline.fixed ? [] : await timeline.asked("alike", { first, stop });
  if (!timeline.selection || !alike.length) return;
  others.append(h("div.section-head", {}, h("h2", {}, "Similar passages"), h("p", {}, "Where the same features fire together elsewhere, and the share of them that does.")),
    ...alike.map((place) => placeLine(keys[0], place, true)));
}

/** A feature that is specific to some words or to a segment. */
export const specificLine = (key, each) => h(`a.line.${hueOf(each)}`, { href: featureAddress(key, each.feature) },
  h("span.id", {}, each.feature), h("span.name", { dir: "auto" }, nameOf(each, 5)),
  h("span.fact", {}, h("b", {}, percent(each.share)), " here"), h("span.fact", {}, percent(each.density), " elsewhere"));

/** A place in a sequence, in its words, leading to its timeline. */
export const placeLine = (key, place, rated = false) => h("a.place", { href: `/timeline?d=${encodeURIComponent(key)}&s=${place.sequence}&from=${Math.max(0, place.first - 40)}&to=${place.stop + 60}&span=${place.first}-${place.stop}` },
  h("span.quote", { dir: "auto" }, place.before, h("b", {}, place.here || `from ${place.first} on`), place.after),
  h("small", {}, place.title, rated ? ` · ${percent(Math.round(place.likeness * 100) / 100)}` : ""));
