// Frames of a stream so far: what is sent of them, and what the API would answer of them as an input.

/** @typedef {{pixels: Uint8Array, picture: string}} Frame RGB bytes, and the address of a thumbnail */

const SHOWN = 48; // frames of an answer
const MOST_BYTES = 4_000_000; // of a piece
const MOST_LATE = 50; // frames of a camera that wait for the model

export class Frames {
  mostLate = MOST_LATE;
  /** @type {string[]} */
  pictures = [];

  /** @param {readonly [number, number]} size height and width of a frame */
  constructor(size) {
    this.height = size[0];
    this.width = size[1];
    this.mostSent = Math.max(1, Math.floor(MOST_BYTES / (3 * this.height * this.width)));
  }

  get length() {
    return this.pictures.length;
  }

  get unit() {
    return "frame";
  }

  /**
   * The steps of a piece as the API takes them.
   * @param {readonly Frame[]} rows
   */
  piece(rows) {
    const bytes = new Uint8Array(rows.length * 3 * this.height * this.width);
    rows.forEach(({ pixels }, i) => {
      bytes.set(pixels, i * pixels.length);
    });
    return { frames: base64(bytes), height: this.height, width: this.width };
  }

  /** @param {readonly Frame[]} rows */
  push(rows) {
    for (const { picture } of rows) this.pictures.push(picture);
  }

  /**
   * The frames over the steps `first` to `stop`, as the API answers an input.
   * @param {number} first
   * @param {number} stop
   * @param {number} perRow frames a step
   * @returns {Partial<Api.InputView>}
   */
  view(first, stop, perRow) {
    const begin = Math.max(0, Math.ceil(first * perRow));
    const end = Math.min(this.length, Math.ceil(stop * perRow));
    const count = Math.max(0, end - begin);
    const frames = Array.from({ length: Math.min(count, SHOWN) }, (_, i) => {
      const number = begin + Math.floor((i * count) / Math.min(count, SHOWN));
      return { step: number / perRow, picture: this.pictures[number] };
    });
    return {
      kind: "frames",
      first,
      stop,
      begin: begin / perRow,
      stride: 1 / perRow,
      per_row: perRow,
      frames,
      of_frames: count,
    };
  }
}

/**
 * Bytes as base64.
 * @param {Uint8Array} bytes
 */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
