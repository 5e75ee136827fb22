// Answers of a sequence's API from codes in the page: in an export, a report and the live view.

/**
 * @typedef {object} LocalSequence
 * @property {import("./local_codes.js").LocalCodes} codes
 * @property {() => unknown} text the API's DocumentText
 * @property {(first: number, stop: number, channels?: number) => unknown} input the API's InputView
 *   of some steps
 * @property {number[]} [boundaries]
 * @property {Record<string, unknown>} [lanes] answers of lanes, by their names
 */

/**
 * @param {LocalSequence} sequence
 * @returns {import("./api.js").Source}
 */
export function localAnswers({ text, codes, input, boundaries = [], lanes = {} }) {
  return async (what, parameters) => {
    const { first = 0, stop = codes.length } = parameters;
    if (what === "words") return text();
    if (what === "timeline") return { boundaries, ...codes.timeline(parameters) };
    if (what === "specific") return codes.specific(parameters);
    if (what === "input") return input(first, stop, parameters.channels);
    if (what === "alike") return []; // it would need every other sequence
    if (Object.hasOwn(lanes, what)) return lanes[what];
    throw new Error(
      `This page holds no ${what} of the sequence; the explorer on the machine of the run does.`,
    );
  };
}
