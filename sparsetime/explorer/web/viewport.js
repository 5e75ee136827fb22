// The steps of a sequence that are in view, and how they pan and zoom.

const NARROWEST = 8; // steps

export class Viewport {
  /**
   * @param {number} from the first step in view, which may be a fraction
   * @param {number} to
   * @param {number} length of the sequence
   */
  constructor(from, to, length) {
    this.from = from;
    this.to = to;
    this.length = length;
  }

  get width() {
    return this.to - this.from;
  }

  /** The whole steps in view, at least one. */
  get steps() {
    const first = Math.floor(this.from);
    return { first, stop: Math.min(this.length, Math.max(first + 1, Math.ceil(this.to))) };
  }

  /**
   * Show other steps: at least NARROWEST, and inside the sequence.
   * @param {number} from
   * @param {number} to
   */
  place(from, to) {
    const narrowest = Math.min(NARROWEST, this.length);
    const width = Math.min(this.length, Math.max(narrowest, to - from));
    this.from = Math.max(0, Math.min(this.length - width, from + (to - from - width) / 2));
    this.to = this.from + width;
  }

  /**
   * @param {number} factor of the width
   * @param {number} around the step that stays where it is
   */
  zoom(factor, around) {
    const width = Math.min(this.length, Math.max(NARROWEST, this.width * factor));
    const begin = around - ((around - this.from) / this.width) * width;
    this.place(begin, begin + width);
  }

  /** @param {number} steps */
  pan(steps) {
    const width = this.width;
    this.from = Math.max(0, Math.min(this.length - width, this.from + steps));
    this.to = this.from + width;
  }
}
