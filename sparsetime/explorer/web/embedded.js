// The timeline in a page of one file, which holds the passages and codes; controls choose among them.

import { of, provide } from "./api.js";
import { readMarked } from "./checksum.js";
import { h, messageOf, pageElement } from "./dom.js";
import { segmentName } from "./durations.js";
import { useLane } from "./lanes.js";
import { localAnswers } from "./local_answers.js";
import { LocalCodes } from "./local_codes.js";
import { Timeline } from "./timeline.js";
import { watch } from "./timeline_layout.js";

const ROWS = 36; // a page to read from top to bottom: fewer than the explorer shows

/**
 * Draw the timeline of the chosen passage, and again at each choice.
 * @param {string} text JSON of an EmbeddedTimeline, with its checksum
 * @param {[LaneManifest["place"], Lane | StripLane][]} lanes
 */
export function embedTimeline(text, lanes) {
  const stage = pageElement("timeline-stage");
  /** @type {Api.EmbeddedTimeline} */
  let data;
  try {
    data = readMarked(text, "The timeline of this page");
  } catch (error) {
    stage.replaceChildren(h("p.nothing", {}, messageOf(error)));
    return Promise.resolve();
  }
  for (const [place, lane] of lanes) useLane(place, lane);
  provideAnswers(data);
  const source = pageElement("passage-source");
  const run = overviewOf(data);
  let stopWatching = () => {};

  const show = async () => {
    const number = Number(chosen("passage"));
    const passage = data.passages[number];
    const only = chosen("shown");
    const keys = passage.codes
      .map((codes) => codes.dictionary)
      .filter((key) => !only || key === only);
    stopWatching();
    source.textContent = passage.source;
    if (!keys.length) {
      const note = `This dictionary was not indexed on this ${segmentName(run)}.`;
      stage.replaceChildren(h("p.nothing", {}, note));
      return;
    }
    const timeline = new Timeline(stage, run, {
      keys,
      sequence: `passage-${number}`,
      whole: true,
      rows: ROWS,
    });
    stopWatching = watch(timeline);
    await timeline.open();
    stage.dataset.ready = "yes";
  };

  const controls = "#timeline .passages input, #timeline .shown input";
  for (const input of document.querySelectorAll(controls)) input.addEventListener("change", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    dispatchEvent(new Event("themechange")),
  );
  return show();
}

/**
 * The value of a radio button's group.
 * @param {string} name
 */
function chosen(name) {
  /** @type {HTMLInputElement | null} */
  const input = document.querySelector(`#timeline input[name="${name}"]:checked`);
  return input?.value ?? "";
}

/** @param {Api.EmbeddedTimeline} data */
function provideAnswers({ dictionaries, passages }) {
  const tables = new Map(
    dictionaries.map(({ entry, features }) => [
      entry.key,
      new Map(features.map((feature) => [feature.feature, feature])),
    ]),
  );
  passages.forEach((passage, number) => {
    const { title, source, first, words, gaps, is_text, start, step, time_unit } = passage;
    const length = words.length;
    const facts = { sequence: number, id: source, title, length, first: 0, origin: first };
    const text = { ...facts, words, gaps, is_text, start, step, time_unit };
    for (const { dictionary, boundaries, ...codes } of passage.codes) {
      const answer = localAnswers({
        codes: new LocalCodes(tables.get(dictionary) ?? new Map(), codes),
        text: () => text,
        boundaries,
        input: (begin, stop) =>
          passage.input ?? { kind: is_text ? "text" : "none", first: begin, stop },
      });
      provide(`${of(dictionary)}/sequences/passage-${number}/`, answer);
    }
  });
}

/**
 * The parts of an overview that a timeline reads.
 * @param {Api.EmbeddedTimeline} data
 * @returns {import("./timeline.js").TimelineRun}
 */
const overviewOf = ({ unit, step, time_unit, sequence_name, dictionaries }) => ({
  unit,
  step,
  time_unit,
  sequence_name,
  dictionaries: dictionaries.map(({ entry }) => ({
    entry,
    aligned_with: [],
    opens_at: [0, 0, 0],
  })),
});
