// Residues or letters over the timeline, upright and one a step, under a ruler of their numbers.

import { h } from "../../web/dom.js";
import { shading } from "../../web/passage.js";
import { ticks } from "../../web/timeline_axis.js";

const HEIGHT = 46;
const LEAST = 7; // pixels of a letter
const LETTER = /^[A-Za-z*·-]$/;

/**
 * The letters with the step of the first and the steps from one to the next.
 * @param {Api.InputView} input
 * @param {Pick<Api.DocumentText, "words" | "first"> | null} text
 */
function lettersOf(input, text) {
  if (input.kind === "letters")
    return { letters: input.letters, begin: input.begin, stride: input.stride };
  return { letters: text?.words.join("") ?? "", begin: text?.first ?? 0, stride: 1 };
}

export default /** @type {Lane} */ ({
  reads: true,
  packed: true,
  fits: (input, text) =>
    input.kind === "letters" ||
    (input.kind === "text" &&
      (text?.words.length ?? 0) > 1 &&
      text?.words.every((word) => LETTER.test(word)) === true),
  height: () => HEIGHT,
  draw(chart, { input, text, view, unit }) {
    const { pen, hues, gutter, wide } = chart;
    const { letters, begin, stride } = lettersOf(input, text);
    const pitch = chart.pitch * stride;
    pen.save();
    pen.beginPath();
    pen.rect(gutter, 0, wide, HEIGHT);
    pen.clip();
    pen.textAlign = "center";
    pen.font = `10px ${chart.font}`;
    pen.fillStyle = hues.faint;
    const ruler = { start: 0, step: 1, time_unit: "", origin: 0 };
    for (const { step, label } of ticks(view, ruler, 60 / chart.pitch)) {
      const x = chart.x(step + 0.5);
      pen.fillText(label, x, 12);
      pen.fillRect(Math.round(x), 16, 1, 5);
    }
    pen.fillRect(gutter, 21, wide, 1);
    if (pitch >= LEAST) {
      pen.font = `600 ${Math.min(13, pitch + 2)}px ui-monospace, monospace`;
      pen.fillStyle = hues.ink;
      const first = Math.max(0, Math.floor((view.from - begin) / stride));
      const last = Math.min(letters.length, Math.ceil((view.to - begin) / stride));
      for (let i = first; i < last; i += 1)
        pen.fillText(letters[i], chart.x(begin + (i + 0.5) * stride), 37);
    } else {
      pen.textAlign = "left";
      pen.fillText(`zoom in to read the ${unit === "step" ? "letter" : unit}s`, gutter + 8, 36);
    }
    pen.restore();
    pen.textAlign = "left";
  },
  describe({ input, text }, step) {
    const { letters, begin, stride } = lettersOf(input, text);
    return letters[Math.floor((step - begin) / stride + 1e-6)] ?? "";
  },
  example({ words, input, strengths, here, first }, hue) {
    const { letters, begin, stride } = lettersOf(input ?? /** @type {any} */ ({}), null);
    const all = input ? [...letters] : words;
    const marks = all.map((letter, i) => {
      const at = input ? Math.floor(begin + i * stride + 1e-6) - first : i;
      const mark = h(at === here ? "mark.here" : strengths[at] ? "mark" : "span", {}, letter);
      if (strengths[at]) mark.style.background = shading(hue, strengths[at]);
      return mark;
    });
    return h("p.letters", {}, marks);
  },
});
