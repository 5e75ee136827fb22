// Live: a text or a series that is run as it is typed or pasted, and its timeline as it unrolls.

import { localAnswers } from "../../web/local_answers.js";
import { LocalCodes } from "../../web/local_codes.js";
import { choices, h, plural, settled } from "../../web/dom.js";
import { Timeline, watch } from "../../web/timeline.js";
import { ask, of, provide, send } from "../../web/api.js";

const PAUSE = 40; // milliseconds without a key before the model runs
const MOST_CHANNELS = 12;
const EXAMPLE = "The river carries a little of the old town away every morning. def river(town): return town[1:]";

export default async function liveView(at, run) {
  const [first] = run.dictionaries, [sequence] = first.opens_at;
  const { is_text } = await ask(`${of(first.entry.key)}/sequences/${sequence}/words`, { stop: 1 });
  let key = first.entry.key, asked = null, timeline = null, leave = () => {}, stopped = false;
  const said = h("p.count", { "aria-live": "polite" }, "The model is loaded with the first words, which takes some seconds.");
  const field = h("textarea.live", { rows: "4", spellcheck: "false", "aria-label": is_text ? "Text to run" : "Series to run", placeholder: is_text ? EXAMPLE : "Paste a series: a row for each step, its numbers apart by commas, spaces or tabs" });
  const stage = h("div.stage");
  const pick = run.dictionaries.length > 1 ? choices("dictionary", run.dictionaries.map((each) => [each.entry.key, each.entry.title]), key, (other) => { key = other; timeline = null; leave(); stage.replaceChildren(); play(); }) : null;
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Live"), h("p.lead", {}, is_text ? "Type or paste a text; the model of this run reads it on this machine." : "Paste a series; the model of this run reads it on this machine.")), pick), field, said, stage);

  async function play() {
    asked?.abort();
    const mine = asked = new AbortController(), given = inputOf(field.value, is_text);
    if (!given) return;
    const began = performance.now(), table = new Map(), code = new LocalCodes(table), text = { words: [], gaps: [] };
    provide(`${of(key)}/sequences/live/`, answers(code, text, is_text, given));
    try {
      const response = await send(`${of(key)}/live`, "POST", given, mine.signal);
      for await (const chunk of chunksOf(response)) {
        if (chunk.error) throw new Error(chunk.error);
        for (const each of chunk.known) table.set(each.feature, each);
        chunk.features.forEach((features, i) => code.push(features, chunk.strengths[i]));
        text.words.push(...chunk.words); text.gaps.push(...chunk.gaps);
        if (mine.signal.aborted || stopped) return;
        await show();
        said.textContent = `${plural(code.length, run.unit)}, ${Math.round(performance.now() - began)} ms after the key`;
      }
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = error.message;
    }
  }

  async function show() {
    if (timeline) { await timeline.renew(); return; }
    leave();
    timeline = new Timeline(stage, run, { keys: [key], sequence: "live", grows: true });
    leave = watch(timeline);
    await timeline.open();
  }

  field.addEventListener("input", settled(play, PAUSE));
  field.focus();
  return () => { stopped = true; asked?.abort(); leave(); };
}

/** What the API takes; null for nothing yet. */
function inputOf(written, is_text) {
  if (!written.trim()) return null;
  if (is_text) return { text: written };
  const rows = written.trim().split(/\n+/).map((line) => line.trim().split(/[\s,;]+/).map(Number));
  return { values: rows.filter((row, i) => i || row.every(Number.isFinite)) }; // the first may be names
}

/** Answers of what has come so far. */
const answers = (code, { words, gaps }, isText, { values }) => localAnswers({
  code,
  text: () => ({ sequence: "live", id: "live", title: "Live", length: code.length, first: 0, words, gaps, is_text: isText }),
  input: (first, stop) => (isText ? { kind: "text", first, stop } : seriesOf(values.slice(0, code.length), first, stop)),
});

/** An InputView of the first channels of a series. */
function seriesOf(values, first, stop) {
  const channels = values[0].map((_, i) => values.map((row) => row[i])).slice(0, MOST_CHANNELS);
  const shown = channels.map((channel) => channel.slice(first, stop));
  return {
    kind: "series", first, stop, stride: 1, channels: channels.map((_, i) => `channel ${i}`), low: shown, high: shown, frames: [],
    least: channels.map((channel) => channel.reduce((a, b) => Math.min(a, b))), most: channels.map((channel) => channel.reduce((a, b) => Math.max(a, b))),
  };
}

/** Lines of JSON as they arrive. */
async function* chunksOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}
