// A live stream: samples or frames go to the model in pieces, columns come back.

import { of, provide, send } from "../../web/api.js";
import { localAnswers } from "../../web/local_answers.js";
import { LocalCodes } from "../../web/local_codes.js";
import { WaitingSteps } from "./waiting_steps.js";

/**
 * Steps of an input, samples or frames.
 * @typedef {import("./samples.js").Samples | import("./frames.js").Frames} Steps
 */

const INPUT = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/**
 * @typedef {object} StreamSettings
 * @property {string} key of the dictionary
 * @property {Api.Overview} run
 * @property {Steps} steps that have been read, none at first
 * @property {boolean} ends whether it has an end, as a file has
 * @property {() => Promise<unknown>} show draws what has come, after every piece
 * @property {(stream: Stream) => unknown} shown called once it is drawn
 */

export class Stream {
  table = new Map();
  codes = new LocalCodes(this.table);
  page = `${Date.now()}-${Math.random()}`;
  sent = 0;
  stopped = false;
  /** Whether more of a file is being read, so that the steps that wait are not its last. */
  reading = false;
  /** @type {Promise<void> | null} */
  sending = null;
  /** @type {number[]} milliseconds from the arrival of the last sample of a piece to its columns */
  latencies = [];
  /** Samples a step of the timeline. */
  perRow = 1;
  /** Samples by which steps come late, since the model reads ahead. */
  behind = 0;

  /** @param {StreamSettings} settings */
  constructor(settings) {
    this.settings = settings;
    this.steps = settings.steps;
    /** Rows that wait for the answer to those before; those of a file wait to be read. */
    this.waiting = new WaitingSteps(settings.ends ? Number.POSITIVE_INFINITY : this.steps.mostLate);
    provide(`${of(settings.key)}/sequences/live/`, this.answers());
  }

  answers() {
    const { run } = this.settings;
    const facts = { sequence: "live", id: "live", title: "Live", first: 0, is_text: false };
    const time = { start: 0, step: run.step ?? 1, time_unit: run.time_unit };
    return localAnswers({
      codes: this.codes,
      text: () => {
        const none = Array(this.codes.length).fill("");
        return { ...facts, ...time, length: this.codes.length, words: none, gaps: none };
      },
      input: (first, stop) => this.steps.view(first, stop, this.perRow),
    });
  }

  /**
   * Send the next steps behind those that wait, of which a device leaves the oldest out where too many
   * do. Where they are refused the stream is over, since those after them would not follow.
   * @param {readonly unknown[]} rows
   */
  push(rows) {
    this.waiting.push(rows, performance.now());
    this.sending ??= this.sendAll()
      .catch((error) => {
        this.stop();
        throw error;
      })
      .finally(() => {
        this.sending = null;
      });
    return this.sending;
  }

  /** Send what waits, a piece after the other, until nothing does. */
  async sendAll() {
    const { key, show } = this.settings;
    while (this.waiting.length && !this.stopped) {
      const { rows, at } = this.waiting.take(this.steps.mostSent);
      const { ends } = this.settings;
      const last = ends && !this.reading && !this.waiting.length;
      const piece = { page: this.page, first: this.sent, ...this.steps.piece(rows), ends, last };
      const answer = await send(`${of(key)}/live/stream`, "POST", piece);
      /** @type {Api.LiveChunk} */
      const chunk = await answer.json();
      this.sent += rows.length;
      this.perRow = chunk.per_row;
      this.behind = chunk.behind;
      this.steps.push(rows);
      for (const feature of chunk.known) this.table.set(feature.feature, feature);
      chunk.features.forEach((features, i) => {
        this.codes.push(features, chunk.strengths[i]);
      });
      if (this.stopped) return;
      await show();
      this.latencies.push(performance.now() - at);
      this.settings.shown(this);
    }
  }

  stop() {
    this.stopped = true;
  }
}

/**
 * Listen to the microphone, at the rate that the model was trained at.
 * @param {number | null} rate
 * @param {(rows: number[][]) => unknown} push
 * @returns {Promise<() => void>} stops listening
 */
export async function listen(rate, push) {
  const media = await navigator.mediaDevices.getUserMedia({ audio: INPUT });
  try {
    const context = new AudioContext(rate ? { sampleRate: rate } : {});
    await context.audioWorklet.addModule(new URL("./microphone_worklet.js", import.meta.url).href);
    const node = new AudioWorkletNode(context, "microphone");
    node.port.onmessage = ({ data }) => push(data.map((/** @type {number} */ value) => [value]));
    context.createMediaStreamSource(media).connect(node);
    return () => {
      release(media);
      context.close();
    };
  } catch (error) {
    release(media);
    throw error;
  }
}

/**
 * Turn a microphone or a camera off.
 * @param {MediaStream} media
 */
export function release(media) {
  for (const track of media.getTracks()) track.stop();
}
