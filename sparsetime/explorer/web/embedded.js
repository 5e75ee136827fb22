// The timeline in a page of one file: passages and codes lie in the page, controls beside it choose among them.

import { of, provide } from "./api.js";
import { h } from "./dom.js";
import { useLane } from "./lanes.js";
import { localAnswers } from "./local_answers.js";
import { LocalCodes } from "./local_codes.js";
import { Timeline, watch } from "./timeline.js";

const ROWS = 36; // a page to read from top to bottom: fewer than the explorer shows

/** `lanes` are [place, lane] by their manifests; the data's record is EmbeddedTimeline. */
export function embedTimeline(data, lanes) {
  for (const [place, lane] of lanes) useLane(place, lane);
  const run = { unit: data.unit, dictionaries: data.dictionaries.map(({ entry }) => ({ entry, aligned_with: [], opens_at: [0, 0, 0] })) };
  const tables = new Map(data.dictionaries.map(({ entry, features }) => [entry.key, new Map(features.map((feature) => [feature.feature, feature]))]));
  data.passages.forEach((passage, number) => {
    const { title, source, first, words, gaps, is_text } = passage, length = words.length;
    const text = { sequence: number, id: source, title, length, first: 0, origin: first, words, gaps, is_text };
    for (const { dictionary, boundaries, ...code } of passage.codes) {
      const answer = localAnswers({ code: new LocalCodes(tables.get(dictionary), code), text: () => text, boundaries,
        input: (begin, stop) => ({ kind: is_text ? "text" : "none", first: begin, stop }) });
      provide(`${of(dictionary)}/sequences/passage-${number}/`, answer);
    }
  });
  const stage = document.getElementById("timeline-stage"), source = document.getElementById("passage-source");
  let leave = () => {};
  const show = async () => {
    const chosen = (name) => document.querySelector(`#timeline input[name="${name}"]:checked`)?.value ?? "";
    const number = Number(chosen("passage")), passage = data.passages[number];
    const here = passage.codes.map((code) => code.dictionary), keys = here.filter((key) => !chosen("shown") || key === chosen("shown"));
    leave();
    source.textContent = passage.source;
    if (!keys.length) { stage.replaceChildren(h("p.nothing", {}, "This dictionary was not indexed on this passage.")); return; }
    const timeline = new Timeline(stage, run, { keys, sequence: `passage-${number}`, whole: true, rows: ROWS });
    leave = watch(timeline);
    await timeline.open();
    stage.dataset.ready = "yes";
  };
  for (const input of document.querySelectorAll("#timeline .passages input, #timeline .shown input")) input.addEventListener("change", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
  return show();
}
