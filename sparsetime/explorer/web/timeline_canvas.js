// The chart of one dictionary on a canvas: features as rows, time to the right.

import { colour } from "./dom.js";
import { numberOf, PanLayer } from "./pan_layer.js";
import { drawAxis } from "./timeline_axis.js";
import {
  drawBoundaries,
  drawCursor,
  drawPlayhead,
  drawScrollbar,
  drawSelection,
  MOST_DASHES,
} from "./timeline_marks.js";
import { drawCells, drawRow, firstFrom, ROW, sortRows } from "./timeline_rows.js";

export const AXIS = 20; // height of the time axis in pixels
const EASE = 200; // milliseconds that rows take to their new places
const LARGE_SCREEN = 2000; // pixels
const HUES = /** @type {const} */ ([
  "high",
  "low",
  "plain",
  "ink",
  "soft",
  "faint",
  "rule",
  "paper",
]);
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @typedef {Api.TimelineRow} Row
 * @typedef {{from: number | null, to: number}} Move the rows between which a feature moves; from
 *   null where it is new
 */

export class TimelineCanvas {
  /** @type {TimelineData | null} */
  data = null;
  /** @type {Row[]} in their order from the top */
  rows = [];
  asked = 0; // the number of rows that `data` was fetched for
  scroll = 0; // rows above the first visible one
  /** @type {Map<number, Move>} by feature */
  moves = new Map();
  began = 0; // when the rows started to move, in milliseconds
  /** @type {Record<(typeof HUES)[number], string>} */
  hues = { high: "", low: "", plain: "", ink: "", soft: "", faint: "", rule: "", paper: "" };
  font = "";
  cells = new PanLayer(); // of the rows

  /**
   * @param {import("./timeline.js").Timeline} timeline
   * @param {string} key of the dictionary
   * @param {HTMLCanvasElement} canvas
   * @param {number} top pixels above the rows
   * @param {boolean} leads whether what the model read is drawn there
   */
  constructor(timeline, key, canvas, top, leads) {
    this.timeline = timeline;
    this.key = key;
    this.canvas = canvas;
    this.top = top;
    this.leads = leads;
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("This browser has no canvas to draw the timeline on.");
    this.pen = pen;
  }

  /** Magnification on very wide screens; all other lengths here are in pixels before it. */
  get scale() {
    return innerWidth >= LARGE_SCREEN ? 1.2 : 1;
  }
  get across() {
    return this.canvas.clientWidth / this.scale;
  }
  get down() {
    return this.canvas.clientHeight / this.scale;
  }
  /** Width of the names left of the cells. */
  get gutter() {
    return innerWidth >= LARGE_SCREEN ? 310 : 268;
  }
  get wide() {
    return this.across - this.gutter;
  }
  /** Pixels of a step. */
  get pitch() {
    return this.wide / (this.timeline.view.to - this.timeline.view.from);
  }
  /** Rows that fit. */
  get visible() {
    return Math.max(1, Math.floor((this.down - this.top - AXIS) / ROW));
  }

  /** @param {number} step */
  x(step) {
    return this.gutter + (step - this.timeline.view.from) * this.pitch;
  }

  /**
   * The row at a height, or null.
   * @param {number} y
   */
  rowAt(y) {
    const row = Math.floor((y - this.top) / ROW + this.scroll);
    return y >= this.top && y < this.down - AXIS && row >= 0 && row < this.rows.length ? row : null;
  }

  /**
   * The step at a place, or null left of the cells.
   * @param {number} x
   */
  stepAt(x) {
    if (x < this.gutter) return null;
    return Math.floor(this.timeline.view.from + (x - this.gutter) / this.pitch);
  }

  /**
   * Show other data. Rows that stay move to their new places, the others fade in.
   * @param {TimelineData} data
   */
  take(data) {
    this.data = data;
    this.arrange();
  }

  /** Sort the rows by the timeline's settings, and start their move. */
  arrange() {
    if (!this.data) return;
    const before = new Map(this.rows.map((row, i) => [row.feature, this.placeOf(i)]));
    const pins = this.timeline.pinsOf(this.key);
    this.rows = sortRows(this.data.rows, pins, this.timeline.state);
    this.moves = new Map(
      this.rows.map(({ feature }, to) => [feature, { from: before.get(feature) ?? null, to }]),
    );
    this.began = reducedMotion.matches ? -EASE : performance.now();
    this.scroll = Math.max(0, Math.min(this.scroll, this.rows.length - this.visible));
  }

  get moving() {
    return performance.now() - this.began < EASE;
  }

  /** The share of the move that is done, slowing down to its end. */
  get eased() {
    const t = Math.min(1, (performance.now() - this.began) / EASE);
    return t * (2 - t);
  }

  /**
   * Whether a feature was not among the rows before the move.
   * @param {number} feature
   */
  entered(feature) {
    return this.moves.get(feature)?.from === null;
  }

  /**
   * Where row `i` is drawn at this moment, in rows.
   * @param {number} i
   */
  placeOf(i) {
    const move = this.moves.get(this.rows[i].feature);
    return !move || move.from === null ? i : move.from + (move.to - move.from) * this.eased;
  }

  /**
   * A row's activation at a step in percent of the feature's peak, or 0.
   * @param {Row} row
   * @param {number} step
   */
  activationAt({ columns, strengths }, step) {
    if (!this.data) return 0;
    const column = Math.floor((step - this.data.first) / this.data.stride);
    const at = firstFrom(columns, column);
    return columns[at] === column ? strengths[at] : 0;
  }

  draw() {
    const { canvas, pen } = this;
    const ratio = devicePixelRatio * this.scale;
    if (!this.across) return;
    const [width, height] = [Math.round(this.across * ratio), Math.round(this.down * ratio)];
    // Setting a size clears the canvas and costs a new buffer, so only where it has changed.
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.across, this.down);
    for (const name of HUES) this.hues[name] = colour(name);
    this.font = getComputedStyle(document.body).fontFamily;
    const floor = this.down - AXIS;
    drawSelection(this, floor);
    drawBoundaries(this, floor);
    pen.save();
    pen.beginPath();
    pen.rect(0, this.top, this.across, floor - this.top);
    pen.clip();
    const begin = Math.max(0, Math.floor(this.scroll) - 1);
    const end = Math.min(this.rows.length, begin + this.visible + 3); // also rows partly visible
    for (let i = begin; i < end; i += 1) drawRow(this, i);
    pen.restore();
    if (this.data && !this.moving) {
      const content = [numberOf(this.data), numberOf(this.rows), this.scroll, this.hues.ink].join();
      const height = floor - this.top;
      this.cells.draw(this, content, this.top, height, (part) => drawCells(part, begin, end));
    }
    if (this.leads) {
      this.drawLanes();
    }
    drawAxis(this, floor);
    drawCursor(this, floor);
    drawPlayhead(this, floor);
    drawScrollbar(this, floor);
  }

  /** Draw the lanes above the rows, each in its own height. */
  drawLanes() {
    const { pen, timeline } = this;
    let above = 0;
    for (const lane of timeline.lanes) {
      const height = lane.height(timeline.input, timeline.state.look, timeline);
      pen.save();
      pen.translate(0, above);
      // A lane draws from 0 to `top` wherever it is, so for it the chart's top is its own height.
      lane.draw(Object.create(this, { top: { value: height } }), timeline);
      pen.restore();
      above += height;
    }
  }

  /** Steps in view before which the active features change most. */
  get boundariesInView() {
    const { view, boundaries } = this.timeline;
    return (boundaries.get(this.key) ?? []).filter((step) => step > view.from && step < view.to);
  }

  /** How many of them there are where they are too many to draw, else 0. */
  get hiddenBoundaries() {
    const { length } = this.boundariesInView;
    return length > MOST_DASHES ? length : 0;
  }
}
