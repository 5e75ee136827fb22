// Samples of a stream so far, and what the API would answer of them as an input.

const MOST = 4096; // samples that are sent at once
const LATE = 10; // seconds of a microphone that wait for the model
const USUAL_RATE = 16_000; // samples a second where the run has none

export class Samples {
  mostSent = MOST;
  /** @type {number[][]} a list for each channel */
  channels = [];
  /** @type {number[]} */
  least = [];
  /** @type {number[]} */
  most = [];

  /**
   * @param {readonly string[]} names of the channels
   * @param {number | null} rate samples a second
   */
  constructor(names, rate) {
    this.names = names;
    this.rate = rate;
    this.mostLate = LATE * (rate ?? USUAL_RATE);
  }

  get length() {
    return this.channels[0]?.length ?? 0;
  }

  get unit() {
    return "sample";
  }

  /**
   * The steps of a piece as the API takes them.
   * @param {number[][]} rows
   */
  piece(rows) {
    return { values: rows };
  }

  /** @param {readonly (readonly number[])[]} rows */
  push(rows) {
    for (const row of rows)
      row.forEach((value, i) => {
        if (!this.channels[i]) {
          this.channels[i] = [];
          this.least[i] = this.most[i] = value;
        }
        this.channels[i].push(value);
        if (value < this.least[i]) this.least[i] = value;
        if (value > this.most[i]) this.most[i] = value;
      });
  }

  /**
   * The samples over the steps `first` to `stop`, as the API answers an input.
   * @param {number} first
   * @param {number} stop
   * @param {number} perRow samples a step
   * @param {number} [columns] the most
   * @returns {Api.InputView}
   */
  view(first, stop, perRow, columns = 1200) {
    const begin = Math.max(0, Math.floor(first * perRow));
    const end = Math.min(this.length, Math.ceil(stop * perRow));
    const stride = Math.max(1, Math.ceil((end - begin) / columns));
    const count = Math.max(0, Math.ceil((end - begin) / stride));
    const reduce = (
      /** @type {number[]} */ channel,
      /** @type {(...v: number[]) => number} */ of,
    ) =>
      Array.from({ length: count }, (_, column) =>
        of(...channel.slice(begin + column * stride, Math.min(end, begin + (column + 1) * stride))),
      );
    const low = this.channels.map((channel) => reduce(channel, Math.min));
    const high = stride === 1 ? low : this.channels.map((channel) => reduce(channel, Math.max));
    return {
      kind: "series",
      first,
      stop,
      begin: begin / perRow,
      stride: stride / perRow,
      columns: count,
      units: [],
      packed_low: "",
      packed_high: "",
      usual: this.channels.map((_, i) => [this.least[i], this.most[i]]),
      rate: this.rate,
      origin: 0,
      per_row: perRow,
      sound: false,
      letters: "",
      channels: this.channels.map((_, i) => this.names[i] ?? `channel ${i}`),
      hidden: 0,
      low,
      high,
      frames: [],
      of_frames: 0,
      frame_size: null,
      least: this.least,
      most: this.most,
    };
  }
}
