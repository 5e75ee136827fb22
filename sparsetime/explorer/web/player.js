// The sound of a timeline: a player whose position is a line over the rows, which the view follows.

import { h } from "./dom.js";
import { exported } from "./router.js";

const MISSING = "The sound of this recording is not among the exported files.";
const LEAD = 0.1; // of the view that is kept before the line when the view follows it

/**
 * Where the sound of a sequence is: a route of the API, or a file of an export.
 * @param {Pick<Api.Overview, "dictionaries"> | {dictionaries: {entry: {key: string}}[]}} run
 * @param {string} key of the dictionary
 * @param {number | string} sequence
 */
export function soundAddress(run, key, sequence) {
  const place = run.dictionaries.findIndex(({ entry }) => entry.key === key);
  return exported
    ? `data/${place}/sequences/${sequence}.wav`
    : `/api/dictionaries/${encodeURIComponent(key)}/sequences/${sequence}/sound.wav`;
}

/**
 * Seconds of the sound at a step.
 * @param {Api.InputView} input
 * @param {number} step
 */
export const secondsAt = ({ origin, per_row, rate }, step) =>
  Math.max(0, ((step - origin) * per_row) / (rate ?? 1));

/**
 * The step at some seconds of the sound.
 * @param {Api.InputView} input
 * @param {number} seconds
 */
export const stepAt = ({ origin, per_row, rate }, seconds) =>
  origin + (seconds * (rate ?? 1)) / per_row;

/**
 * A player for the sound of a timeline; null where there is none to hear.
 * @param {import("./timeline.js").Timeline} timeline
 */
export function player(timeline) {
  const { input, keys, sequence, run, fixed } = timeline;
  if (!input.sound || fixed) return null;
  const audio = h("audio.player", {
    controls: true,
    preload: "none",
    src: soundAddress(run, keys[0], sequence),
  });
  const note = h("span.count", { role: "status" });
  const move = () => {
    if (!audio.isConnected) return;
    const { view } = timeline;
    const step = stepAt(timeline.input, audio.currentTime);
    timeline.playhead = step;
    if (!audio.paused && (step > view.to || step < view.from))
      timeline.pan(step - LEAD * (view.to - view.from) - view.from);
    else timeline.draw();
    if (!audio.paused) requestAnimationFrame(move);
  };
  audio.addEventListener("play", () => {
    // It starts where one looks, unless the line is in view already.
    const { view } = timeline;
    const step = stepAt(timeline.input, audio.currentTime);
    if (step < view.from || step >= view.to)
      audio.currentTime = secondsAt(timeline.input, view.from);
    move();
  });
  for (const event of ["seeked", "pause"]) audio.addEventListener(event, move);
  audio.addEventListener("error", () => {
    note.textContent = MISSING;
  });
  return h("span.control.sound", {}, audio, note);
}

/** @type {HTMLAudioElement | null} that plays now */
let playing = null;

/**
 * A button that plays some steps of a recording, and stops on the second press.
 * @param {string} address of the whole sound
 * @param {Api.InputView} input
 * @param {number} first
 * @param {number} stop
 */
export function playButton(address, input, first, stop) {
  const label = "Play this example";
  const button = h("button.play", { "aria-label": label, title: label }, "▶");
  const audio = new Audio();
  audio.preload = "none";
  const end = secondsAt(input, stop);
  const still = () => {
    button.textContent = "▶";
  };
  const watch = () => {
    if (audio.currentTime >= end) audio.pause();
    if (!audio.paused) requestAnimationFrame(watch);
  };
  button.addEventListener("click", () => {
    if (!audio.paused) {
      audio.pause();
      return;
    }
    playing?.pause();
    playing = audio;
    if (!audio.src) audio.src = address;
    audio.currentTime = secondsAt(input, first);
    audio.play().then(
      () => {
        button.textContent = "■";
        watch();
      },
      () => {
        button.title = MISSING;
        still();
      },
    );
  });
  audio.addEventListener("pause", still);
  return button;
}
