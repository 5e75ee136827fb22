// Live: a text or a series, run through the model as it is typed, and its growing timeline.

import { ask, of, provide, send } from "../../web/api.js";
import { h, messageOf, plural, settled, short } from "../../web/dom.js";
import { dictionaryChoice } from "../../web/feature_list.js";
import { localAnswers } from "../../web/local_answers.js";
import { LocalCodes } from "../../web/local_codes.js";
import { Timeline } from "../../web/timeline.js";
import { watch } from "../../web/timeline_layout.js";
import { readChunks } from "./read_chunks.js";
import { readSeries, readTable } from "./read_file.js";
import { Samples } from "./samples.js";
import { listen, Stream } from "./stream.js";

const LEAST_RATE = 3000; // samples a second that a microphone gives in a browser
const LISTEN = "Listen to the microphone";
const PAUSE = 40; // milliseconds without a key before the input is run
const EXAMPLE =
  "The river carries a little of the old town away every morning. def river(town): return town[1:]";
const SERIES_HINT =
  "Paste a series: a row for each step, its numbers apart by commas, spaces or tabs";
const STATUS = "The model is loaded with the first input, which takes some seconds.";

/** The name under which this page's newest input supersedes its earlier ones on the server. */
const PAGE = `${Date.now()}-${Math.random()}`;

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 * @returns {Promise<() => void>} stops what is running
 */
export default async function liveView(at, run) {
  const [{ entry, opens_at }] = run.dictionaries;
  const sequence = `${of(entry.key)}/sequences/${opens_at[0]}`;
  const { is_text } = await ask(
    /** @type {`dictionaries/${string}/sequences/${string}/words`} */ (`${sequence}/words`),
    { stop: 1 },
  );
  const kept = await ask(
    /** @type {`dictionaries/${string}/sequences/${string}/input`} */ (`${sequence}/input`),
    { stop: 1 },
  );
  const status = h("p.count", { "aria-live": "polite" }, STATUS);
  const field = h("textarea.live", {
    rows: "4",
    spellcheck: "false",
    "aria-label": is_text ? "Text to run" : "Series to run",
    placeholder: is_text ? EXAMPLE : SERIES_HINT,
  });
  const stage = h("div.stage");
  let { key } = entry;
  /** @type {AbortController | null} of the run in progress */
  let controller = null;
  /** @type {Timeline | null} */
  let timeline = null;
  let stopWatching = () => {};
  let stopped = false;

  async function play() {
    controller?.abort();
    controller = new AbortController();
    const { signal } = controller;
    const parsed = parseInput(field.value, is_text);
    if (!parsed) return;
    if (stream) endStream();
    const input = { ...parsed, page: PAGE };
    const began = performance.now();
    const table = new Map();
    const codes = new LocalCodes(table);
    /** @type {LiveText} */
    const text = { words: [], gaps: [] };
    provide(`${of(key)}/sequences/live/`, answersFrom(codes, text, is_text, input, run));
    try {
      for await (const chunk of readChunks(await send(`${of(key)}/live`, "POST", input, signal))) {
        if ("state" in chunk) {
          status.textContent = stateText(chunk);
          continue;
        }
        for (const feature of chunk.known) table.set(feature.feature, feature);
        chunk.features.forEach((features, i) => {
          codes.push(features, chunk.strengths[i]);
        });
        text.words.push(...chunk.words);
        text.gaps.push(...chunk.gaps);
        if (signal.aborted || stopped) return;
        await show();
        const time = Math.round(performance.now() - began);
        status.textContent = `${plural(codes.length, run.unit)}, ${time} ms after the key`;
      }
    } catch (error) {
      if (!signal.aborted && !stopped) status.textContent = messageOf(error);
    }
  }

  /** @type {Stream | null} */
  let stream = null;
  /** @type {Stream | null} that hears the microphone */
  let listening = null;
  let stopListening = () => {};

  function endStream() {
    stopListening();
    stopListening = () => {};
    listening = null;
    microphone.textContent = LISTEN;
    stream?.stop();
    stream = null;
    timeline = null;
    stopWatching();
    stage.replaceChildren();
  }

  /** @param {boolean} ends whether it has an end, as a file has */
  function beginStream(ends) {
    controller?.abort();
    endStream();
    stream = new Stream({
      key,
      run,
      channels: kept.channels,
      rate: kept.rate,
      ends,
      show,
      shown: report,
    });
    return stream;
  }

  /** @param {Stream} begun */
  const report = (begun) => {
    const last = Math.round(begun.latencies.at(-1) ?? 0);
    status.dataset.latency = String(last);
    // A file arrives at once, and its pieces wait for each other.
    const took =
      listening === begun ? `${last} ms from sample to column` : `read in ${short(last / 1000)} s`;
    const ahead =
      begun.behind > begun.perRow
        ? `; the model reads ahead, so columns come ${plural(begun.behind, "sample")} later`
        : "";
    status.textContent = `${plural(begun.samples.length, "sample")}; ${took}${ahead}`;
  };

  /** @param {File} file */
  async function playFile(file) {
    try {
      const { values, rate } = await readSeries(file);
      if (rate && kept.rate && rate !== kept.rate)
        throw new Error(
          `${file.name} has ${rate} samples a second, and the model reads ${kept.rate}; resample it.`,
        );
      const begun = beginStream(true);
      await begun.push(values);
    } catch (error) {
      status.textContent = messageOf(error);
    }
  }

  async function toggleMicrophone() {
    if (listening) {
      endStream();
      return;
    }
    const begun = beginStream(false);
    listening = begun;
    microphone.textContent = "Stop listening";
    try {
      const stop = await listen(kept.rate, (rows) =>
        begun.push(rows).catch((error) => {
          status.textContent = messageOf(error);
        }),
      );
      if (listening === begun) stopListening = stop;
      else stop(); // another input was chosen while the browser asked for the microphone
    } catch (error) {
      if (listening === begun) endStream();
      status.textContent = messageOf(error);
    }
  }

  const microphone = h("button", { click: toggleMicrophone }, LISTEN);
  const file = h("input", {
    type: "file",
    accept: ".wav,.npy,.csv,.tsv,.txt",
    "aria-label": "A file to run",
    change: (event) => {
      const [chosen] = event.currentTarget.files ?? [];
      if (chosen) playFile(chosen);
    },
  });
  const sound = kept.channels.length === 1 && (kept.rate ?? 0) >= LEAST_RATE;
  const sources = is_text ? null : h("p.sound.sources", {}, file, sound ? microphone : null);

  async function show() {
    if (timeline) {
      await timeline.renew();
      return;
    }
    stopWatching();
    timeline = new Timeline(stage, run, { keys: [key], sequence: "live", grows: true });
    stopWatching = watch(timeline);
    await timeline.open();
  }

  const choice = dictionaryChoice(run, key, (other) => {
    key = other;
    timeline = null;
    stopWatching();
    stage.replaceChildren();
    play();
  });
  const lead = is_text
    ? "Type or paste a text; the model of this run reads it on this machine."
    : "Choose a file, listen to the microphone, or paste a series; the model of this run reads it on this machine.";
  const head = h("div", {}, h("h1", {}, "Live"), h("p.lead", {}, lead));
  at.append(
    h("header.head", {}, head, choice),
    ...(sources ? [sources] : []),
    field,
    status,
    stage,
  );
  field.addEventListener("input", settled(play, PAUSE));
  field.focus();
  return () => {
    stopped = true;
    controller?.abort();
    endStream();
  };
}

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
 * @param {LocalCodes} codes
 * @param {LiveText} text
 * @param {boolean} isText
 * @param {Api.LiveInput} input
 * @param {Api.Overview} run
 * @returns {import("../../web/api.js").Source}
 */
function answersFrom(codes, { words, gaps }, isText, { values = [] }, run) {
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
