// The words in view as prose under the timeline, shaded by the row under the cursor.

import { h, hueOf } from "./dom.js";

const MOST_WORDS = 700;

export class Passage {
  /** @type {[number, HTMLElement][]} steps with the element of each one's word */
  spans = [];
  written = ""; // names what is written, so that it is not written again
  place = "";
  note = h("p.count");
  words = h("div.passage-text");

  /** @param {import("./timeline.js").Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    if (timeline.input.kind === "text") {
      const head = h("div.section-head", {}, h("h2", {}, "The passage"), this.note);
      timeline.passage.append(head, this.words);
    }
  }

  /** Write the words in view. */
  write() {
    const { view, text, unit, input, fixed } = this.timeline;
    if (input.kind !== "text") return;
    const from = Math.floor(view.from);
    const to = Math.min(Math.ceil(view.to), from + MOST_WORDS);
    const content = `${from}-${to}-${text.length}`;
    if (content !== this.written || fixed?.grows) {
      const cut = to < Math.ceil(view.to) ? ", the beginning of what is in view" : "";
      const [first, last] = [from.toLocaleString("en"), (to - 1).toLocaleString("en")];
      this.written = content;
      this.place = `${unit}s ${first} to ${last}${cut}`;
      this.words.replaceChildren(...this.paragraphs(from, to));
    }
    this.shade();
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  paragraphs(from, to) {
    const { text } = this.timeline;
    let paragraph = h("p", { dir: "auto" });
    const paragraphs = [paragraph];
    this.spans = [];
    for (let step = from; step < to; step += 1) {
      const i = step - text.first;
      if (text.words[i] === undefined) break;
      if (text.gaps[i] === "\n\n" && step > from) {
        paragraph = h("p", { dir: "auto" });
        paragraphs.push(paragraph);
      } else if (step > from) paragraph.append(text.gaps[i]);
      const span = h("span", {}, text.words[i]);
      this.spans.push([step, span]);
      paragraph.append(span);
    }
    return paragraphs;
  }

  /** Shade the words by the row under the cursor, else by the first pinned row. */
  shade() {
    const { cursor } = this.timeline;
    const [chart, row] = this.shadingRow() ?? [null, null];
    this.note.textContent = row
      ? `${this.place}; shaded where feature ${row.feature} is active`
      : `${this.place}; point at a row to shade where it is active`;
    for (const [step, span] of this.spans) {
      const percent = chart?.activationAt(row, step) ?? 0;
      span.style.background = row && percent ? shading(hueOf(row), percent) : "";
      span.classList.toggle("under", step === cursor?.step);
    }
  }

  /** @returns {[import("./timeline_canvas.js").TimelineCanvas, Api.TimelineRow] | null} */
  shadingRow() {
    const { cursor, charts } = this.timeline;
    if (cursor && cursor.row !== null) return [cursor.chart, cursor.chart.rows[cursor.row]];
    for (const chart of charts) {
      const pins = this.timeline.pinsOf(chart.key);
      const row = chart.rows.find(({ feature }) => pins.has(feature));
      if (row) return [chart, row];
    }
    return null;
  }
}

/**
 * The background of a word: the colour of a feature, paler for a weaker activation.
 * @param {Hue} hue
 * @param {number} percent of the feature's largest activation
 */
export const shading = (hue, percent) =>
  `color-mix(in srgb, var(--${hue}) ${8 + percent * 0.48}%, transparent)`;
