// The selected segment of a timeline: features enriched in it, and passages like it elsewhere.

import { featureAddress, h, hueOf, nameOf, percent, plural } from "./dom.js";

const MOST_LETTERS = 160; // of the quoted words

/**
 * Show the facts of the selected segment beside a timeline.
 * @param {import("./timeline.js").Timeline} timeline
 */
export async function showSelection(timeline) {
  const { keys, unit, selection } = timeline;
  if (!selection) return;
  const [first, stop] = selection;
  const enriched = await Promise.all(
    keys.map((key) => timeline.asked("specific", { first, stop }, key)),
  );
  if (!timeline.selection) return; // cleared while the answer was on its way
  const others = h("div.alike");
  const lines = enriched.flatMap((list, i) =>
    list.map((feature) => specificLine(keys[i], feature)),
  );
  const title = h("h2", {}, "Features specific to this segment");
  const lead = h("p", { dir: "auto" }, quote(timeline, first, stop), plural(stop - first, unit));
  timeline.aside.hidden = false;
  timeline.aside.replaceChildren(
    h("div.section-head", {}, title, lead),
    h("div.lines.compact", {}, lines),
    others,
  );
  const alike = timeline.fixed ? [] : await timeline.asked("alike", { first, stop });
  if (!timeline.selection || !alike.length) return;
  const note = "Where the same features fire together elsewhere, and the share of them that does.";
  others.append(
    h("div.section-head", {}, h("h2", {}, "Similar passages"), h("p", {}, note)),
    ...alike.map((place) => placeLine(keys[0], place, true)),
  );
}

/**
 * @param {import("./timeline.js").Timeline} timeline
 * @param {number} first
 * @param {number} stop
 */
function quote({ text }, first, stop) {
  if (!text.is_text) return `from ${first} on, `;
  const pieces = text.words.slice(first, stop);
  const words = pieces.map((word, i) => (i ? text.gaps[first + i] : "") + word).join("");
  return `“${words.length > MOST_LETTERS ? `${words.slice(0, MOST_LETTERS - 1)}…` : words}”, `;
}

/**
 * A feature enriched in some words or a segment.
 * @param {string} key
 * @param {Api.EnrichedFeature} feature
 */
export const specificLine = (key, feature) =>
  h(
    `a.line.${hueOf(feature)}`,
    { href: featureAddress(key, feature.feature) },
    h("span.id", {}, feature.feature),
    h("span.name", { dir: "auto" }, nameOf(feature, 5)),
    h("span.fact", {}, h("b", {}, percent(feature.share)), " here"),
    h("span.fact", {}, percent(feature.density), " elsewhere"),
  );

/**
 * A place in a sequence, in its words, linked to its timeline.
 * @param {string} key
 * @param {Api.SearchHit} place
 * @param {boolean} [rated] whether its likeness is shown
 */
export function placeLine(key, place, rated = false) {
  const { first, stop, sequence } = place;
  const href = `/timeline?d=${encodeURIComponent(key)}&s=${sequence}&from=${Math.max(0, first - 40)}&to=${stop + 60}&span=${first}-${stop}`;
  const here = h("b", {}, place.here || `from ${first} on`);
  const likeness = rated ? ` · ${percent(Math.round(place.likeness * 100) / 100)}` : "";
  return h(
    "a.place",
    { href },
    h("span.quote", { dir: "auto" }, place.before, here, place.after),
    h("small", {}, place.title, likeness),
  );
}
