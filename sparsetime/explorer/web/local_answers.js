// Answers of a sequence's API out of a code that the page holds: in an export, a report and the live view.

/**
 * `text` is the API's DocumentText, `code` a LocalCodes, `input` gives the InputView of steps first to stop.
 * `lanes` holds the answers of lanes by their names.
 */
export function localAnswers({ text, code, input, boundaries = [], lanes = {} }) {
  return async (what, parameters) => {
    const { first = 0, stop = code.length } = parameters;
    if (what === "words") return text();
    if (what === "timeline") return { boundaries, ...code.timeline(parameters) };
    if (what === "specific") return code.specific(parameters);
    if (what === "input") return input(first, stop);
    if (what === "alike") return []; // it would need every other sequence
    if (what in lanes) return lanes[what];
    throw new Error(`This page holds no ${what} of the sequence; the explorer on the machine of the run does.`);
  };
}
