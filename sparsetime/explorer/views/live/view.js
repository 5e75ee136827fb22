// Live: a text or a series, run through the model as it is typed, and its growing timeline.

import { ask, of, provide, send } from "../../web/api.js";
import { h, messageOf, plural, settled, short } from "../../web/dom.js";
import { dictionaryChoice } from "../../web/feature_list.js";
import { LocalCodes } from "../../web/local_codes.js";
import { Timeline } from "../../web/timeline.js";
import { watch } from "../../web/timeline_layout.js";
import { Frames } from "./frames.js";
import { readChunks } from "./read_chunks.js";
import { readSeries } from "./read_file.js";
import { ACCEPTED, readFrames, watchCamera } from "./read_frames.js";
import { Samples } from "./samples.js";
import { listen, Stream } from "./stream.js";
import { answersFrom, parseInput, stateText } from "./typed_input.js";

const LEAST_RATE = 3000; // samples a second that a microphone gives in a browser
const LISTEN = "Listen to the microphone";
const WATCH = "Watch the camera";
const MOST_WAITING = 64; // frames of a file that wait for the model
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
    /** @type {import("./typed_input.js").LiveText} */
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

  const size = kept.kind === "frames" ? kept.frame_size : null;

  /** @type {Stream | null} */
  let stream = null;
  /** @type {Stream | null} that hears the microphone or sees the camera */
  let listening = null;
  let stopListening = () => {};

  function stopDevice() {
    stopListening();
    stopListening = () => {};
    listening = null;
    device.textContent = size ? WATCH : LISTEN;
  }

  function endStream() {
    stopDevice();
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
    const steps = size ? new Frames(size) : new Samples(kept.channels, kept.rate);
    stream = new Stream({ key, run, steps, ends, show, shown: report });
    return stream;
  }

  /** @param {Stream} begun */
  const report = (begun) => {
    const last = Math.round(begun.latencies.at(-1) ?? 0);
    status.dataset.latency = String(last);
    const { length, unit } = begun.steps;
    // A file arrives at once, and its pieces wait for each other.
    const took =
      listening === begun ? `${last} ms from ${unit} to column` : `read in ${short(last / 1000)} s`;
    const ahead =
      begun.behind > begun.perRow
        ? `; the model reads ahead, so columns come ${plural(begun.behind, unit)} later`
        : "";
    const { leftOut } = begun.waiting;
    const slow = leftOut
      ? `; ${plural(leftOut, unit)} left out, since the model is slower than they come`
      : "";
    status.textContent = `${plural(length, unit)}; ${took}${ahead}${slow}`;
  };

  /** @param {readonly File[]} files */
  async function playFiles(files) {
    const others = files.length > 1 ? ` and ${files.length - 1} more` : "";
    status.textContent = `Reading ${files[0].name}${others}…`; // until its first columns
    try {
      if (size) await playFrames(files, size);
      else await playSeries(files[0]);
    } catch (error) {
      status.textContent = messageOf(error);
    }
  }

  /** @param {File} file */
  async function playSeries(file) {
    const { values, rate } = await readSeries(file);
    if (rate && kept.rate && rate !== kept.rate)
      throw new Error(
        `${file.name} has ${rate} samples a second, and the model reads ${kept.rate}; resample it.`,
      );
    await beginStream(true).push(values);
  }

  /**
   * @param {readonly File[]} files
   * @param {readonly [number, number]} frameSize
   */
  async function playFrames(files, frameSize) {
    const begun = beginStream(true);
    begun.reading = true;
    /** @type {import("./frames.js").Frame | null} kept back, since the last frame is sent as such */
    let held = null;
    /** @type {unknown[]} why frames were refused */
    const refused = [];
    for await (const frame of readFrames(files, frameSize, kept.rate)) {
      if (refused.length) throw refused[0];
      if (begun.stopped) return;
      const sending = held && begun.push([held]);
      sending?.catch((error) => refused.push(error));
      if (sending && begun.waiting.length >= MOST_WAITING) await sending;
      held = frame;
    }
    if (refused.length) throw refused[0];
    begun.reading = false;
    if (held) await begun.push([held]);
  }

  async function toggleDevice() {
    if (listening) {
      endStream();
      return;
    }
    const begun = beginStream(false);
    listening = begun;
    device.textContent = size ? "Stop watching" : "Stop listening";
    status.textContent = `Waiting for the ${size ? "camera" : "microphone"}…`;
    const push = (/** @type {readonly unknown[]} */ rows) =>
      begun.push(rows).catch((error) => {
        if (listening === begun) stopDevice();
        status.textContent = messageOf(error);
      });
    try {
      const stop = size ? await watchCamera(size, kept.rate, push) : await listen(kept.rate, push);
      if (listening === begun) stopListening = stop;
      else stop(); // another input was chosen while the browser asked for the device
    } catch (error) {
      if (listening === begun) endStream();
      status.textContent = messageOf(error);
    }
  }

  const device = h("button", { click: toggleDevice }, size ? WATCH : LISTEN);
  const file = h("input", {
    type: "file",
    multiple: size !== null,
    accept: size ? ACCEPTED : ".wav,.npy,.csv,.tsv,.txt",
    "aria-label": size ? "Pictures or a video to run" : "A file to run",
    change: (event) => {
      const chosen = [...(event.currentTarget.files ?? [])];
      if (chosen.length) playFiles(chosen);
    },
  });
  const sound = kept.channels.length === 1 && (kept.rate ?? 0) >= LEAST_RATE;
  const sources = is_text ? null : h("p.sound.sources", {}, file, sound || size ? device : null);

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
    : size
      ? "Choose pictures or a video, or watch the camera; the model of this run reads it on this machine."
      : "Choose a file, listen to the microphone, or paste a series; the model of this run reads it on this machine.";
  const head = h("div", {}, h("h1", {}, "Live"), h("p.lead", {}, lead));
  at.append(
    h("header.head", {}, head, choice),
    ...(sources ? [sources] : []),
    ...(size ? [] : [field]),
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
