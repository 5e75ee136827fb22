// The selected segment of a timeline: features enriched in it, and passages like it elsewhere.

import { allWords, featureAddress, h, hueOf, nameOf, percent } from "./dom.js";
import { lasting, moment, segmentName } from "./durations.js";

const MOST_LETTERS = 160; // of the quoted words
const FEW = 12; // features that are listed at first, of each dictionary
const MANY = 100;

/**
 * Show the facts of the selected segment beside a timeline.
 * @param {import("./timeline.js").Timeline} timeline
 * @param {number} [limit] the most features of each dictionary
 */
export async function showSelection(timeline, limit = FEW) {
  const { keys, run, selection } = timeline;
  if (!selection) return;
  const [first, stop] = selection;
  const enriched = await Promise.all(
    keys.map((key) => timeline.asked("specific", { first, stop, limit }, key)),
  );
  if (!timeline.selection) return; // cleared while the answer was on its way
  const others = h("div.alike");
  const lines = enriched.flatMap((list, i) =>
    list.map((feature) => specificLine(keys[i], feature)),
  );
  const isCut = enriched.some((list) => list.length === limit);
  const click = () => showSelection(timeline, MANY);
  const more = isCut && limit < MANY ? h("button.more", { click }, `Show up to ${MANY}`) : null;
  const title = h(
    "h2",
    {},
    `The ${isCut ? `${limit} features most` : "features"} specific to this segment`,
  );
  const lead = h("p", { dir: "auto" }, quote(timeline, first, stop), lasting(stop - first, run));
  timeline.aside.hidden = false;
  timeline.aside.replaceChildren(
    h("div.section-head", {}, title, lead),
    h("div.lines.compact", {}, lines),
    ...(more ? [more] : []),
    others,
  );
  const alike = timeline.fixed ? [] : await timeline.asked("alike", { first, stop });
  if (!timeline.selection || !alike.length) return;
  const note = "Where the same features fire together elsewhere, and the share of them that does.";
  others.append(
    h(
      "div.section-head",
      {},
      h("h2", {}, `The ${alike.length} most similar ${segmentName(run)}s`),
      h("p", {}, note),
    ),
    ...alike.map((place) => placeLine(keys[0], place, true)),
  );
}

/**
 * @param {import("./timeline.js").Timeline} timeline
 * @param {number} first
 * @param {number} stop
 */
function quote({ text, unit }, first, stop) {
  if (!text.is_text) return `from ${moment(text, first, unit)} on, `;
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
    h("span.name", { dir: "auto", title: allWords(feature) }, nameOf(feature, 5)),
    h("span.fact", {}, h("b", {}, percent(feature.share)), " here"),
    h("span.fact", {}, percent(feature.density), " of all"),
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
