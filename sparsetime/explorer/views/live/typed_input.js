// A text or a series that is typed: as the API takes it, and what the timeline is answered of it.

import { plural } from "../../web/dom.js";
import { localAnswers } from "../../web/local_answers.js";
import { readTable } from "./read_file.js";
import { Samples } from "./samples.js";

/**
 * What a run waits for, in words.
 * @param {Api.LiveState} state
 */
export function stateText({ state, ahead }) {
  if (state === "loading") return "The model is being loaded; the input is run as soon as it is.";
  if (state === "waiting") return `Waiting for ${plural(ahead, "run")} of other pages.`;
  return "The model is running.";
}

/** @typedef {{words: string[], gaps: string[]}} LiveText */

/**
 * The input as the API takes it; null where there is none yet.
 * @param {string} written
 * @param {boolean} isText
 * @returns {Api.LiveInput | null}
 */
export function parseInput(written, isText) {
  if (!written.trim()) return null;
  if (isText) return { text: written };
  return { values: readTable(written) };
}

/**
 * Answers to the timeline's requests, from the codes so far.
 * @param {import("../../web/local_codes.js").LocalCodes} codes
 * @param {LiveText} text
 * @param {boolean} isText
 * @param {Api.LiveInput} input
 * @param {Api.Overview} run
 * @returns {import("../../web/api.js").Source}
 */
export function answersFrom(codes, { words, gaps }, isText, { values = [] }, run) {
  const name = { sequence: "live", id: "live", title: "Live" };
  const time = { start: 0, step: run.step ?? 1, time_unit: run.time_unit };
  const samples = new Samples([], null);
  samples.push(values);
  return localAnswers({
    codes,
    text: () => ({
      ...name,
      length: codes.length,
      first: 0,
      words,
      gaps,
      is_text: isText,
      ...time,
    }),
    input: (first, stop) => (isText ? { kind: "text", first, stop } : samples.view(first, stop, 1)),
  });
}
