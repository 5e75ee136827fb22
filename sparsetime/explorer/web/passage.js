// The words in view as prose under the timeline, shaded by the row under the cursor.

import { h, hueOf } from "./dom.js";

const MOST = 700;

export class Passage {
  constructor(timeline) {
    this.timeline = timeline;
    this.spans = [];
    this.shown = this.place = "";
    this.note = h("p.count");
    this.words = h("div.passage-text");
    if (timeline.input.kind === "text") timeline.passage.append(h("div.section-head", {}, h("h2", {}, "The passage"), this.note), this.words);
  }

  write() {
    const { view, text, unit } = this.timeline;
    if (this.timeline.input.kind !== "text") return;
    const from = Math.floor(view.from), to = Math.min(Math.ceil(view.to), from + MOST), now = `${from}-${to}-${text.length}`;
    if (now === this.shown && !this.timeline.fixed?.grows) return this.shade();
    this.shown = now;
    this.place = `${unit}s ${from.toLocaleString("en")} to ${(to - 1).toLocaleString("en")}${to < Math.ceil(view.to) ? ", the beginning of what is in view" : ""}`;
    this.spans = [];
    const paragraphs = [h("p", { dir: "auto" })];
    for (let step = from; step < to; step += 1) {
      const i = step - text.first, gap = text.gaps[i];
      if (text.words[i] === undefined) break;
      if (gap === "\n\n" && step > from) paragraphs.push(h("p", { dir: "auto" }));
      else if (step > from) paragraphs.at(-1).append(gap);
      const span = h("span", {}, text.words[i]);
      this.spans.push([step, span]);
      paragraphs.at(-1).append(span);
    }
    this.words.replaceChildren(...paragraphs);
    return this.shade();
  }

  /** By the row under the cursor, else by the first pinned row. */
  shade() {
    const { cursor, charts } = this.timeline;
    let chart = cursor?.chart, row = cursor && cursor.row !== null ? chart.rows[cursor.row] : null;
    if (!row) [chart, row] = charts.flatMap((each) => each.rows.filter((r) => this.timeline.pinsOf(each.key).has(r.feature)).map((r) => [each, r]))[0] ?? [];
    this.note.textContent = row ? `${this.place}; shaded where feature ${row.feature} is active` : `${this.place}; point at a row to shade where it is active`;
    for (const [step, span] of this.spans) {
      const strength = row ? chart.strength(row, step) : 0;
      span.style.background = strength ? `color-mix(in srgb, var(--${hueOf(row)}) ${8 + strength * 0.48}%, transparent)` : "";
      span.classList.toggle("under", step === cursor?.step);
    }
  }
}
