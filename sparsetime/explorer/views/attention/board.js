// The canvas of the attention view: arcs of a moment, a lane a head, features, and the pattern map.
// All share one axis of time, which runs to the right; down the map runs the time of the queries.

import { colour } from "../../web/dom.js";
import { bytesOf, pixelsOf } from "./cells.js";
import { drawAxis, drawFeatures, drawLanes } from "./draw_lanes.js";
import { drawArcs, drawMap, drawStep } from "./draw_map.js";
import { ARCS, AXIS, FEATURE, GUTTER } from "./geometry.js";

const GAP = 8;
const MOST_LANES = 40;
const MOST_MAP = 620;
const NAMES = ["paper", "ink", "soft", "faint", "rule", "low", "high", "violet", "green", "plain"];
/** @type {Record<string, string>} */
export const VALUE_HUES = { distance: "low", received: "high", entropy: "violet" };

/** @typedef {import("./view.js").AttentionState} AttentionState */

export class Board {
  /** @type {HTMLCanvasElement | null} of the map's cells */
  cells = null;
  /** @type {HTMLCanvasElement | null} of the lanes' columns */
  columns = null;
  /** @type {Record<string, string>} */
  hues = {};
  scroll = 0; // heads above the first lane
  frame = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {AttentionState} state
   */
  constructor(canvas, state) {
    this.canvas = canvas;
    this.state = state;
    const pen = canvas.getContext("2d");
    if (!pen) throw new Error("This browser has no canvas to draw attention on.");
    this.pen = pen;
    this.resize();
  }

  get heads() {
    return Math.min(MOST_LANES, this.state.view.heads.length);
  }
  /** Height of a lane. */
  get lane() {
    return this.heads > 24 ? 10 : 13;
  }
  get wide() {
    return this.canvas.clientWidth - GUTTER;
  }
  get lanesTop() {
    return ARCS;
  }
  get featuresTop() {
    return ARCS + this.heads * this.lane + GAP;
  }
  get axisTop() {
    return this.featuresTop + this.state.features.length * FEATURE;
  }
  get mapTop() {
    return this.axisTop + AXIS;
  }
  get mapHeight() {
    return Math.min(MOST_MAP, this.wide);
  }
  /** Pixels of a step to the right. */
  get pitch() {
    return this.wide / this.state.keys.width;
  }
  /** @param {number} step */
  x(step) {
    return GUTTER + (step - this.state.keys.from) * this.pitch;
  }
  /** @param {number} step */
  y(step) {
    const { from, width } = this.state.queries;
    return this.mapTop + ((step - from) / width) * this.mapHeight;
  }
  /** @param {number} x */
  keyAt(x) {
    return this.state.keys.from + (x - GUTTER) / this.pitch;
  }
  /** @param {number} y */
  queryAt(y) {
    const { from, width } = this.state.queries;
    return from + ((y - this.mapTop) / this.mapHeight) * width;
  }
  /** @param {number} y */
  headAt(y) {
    const row = Math.floor((y - this.lanesTop) / this.lane);
    return row >= 0 && row < this.heads ? row + this.scroll : null;
  }

  /** Fit the canvas to its place and to what it draws, and draw. */
  resize() {
    const height = this.mapTop + this.mapHeight + 2;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(this.canvas.clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    for (const name of NAMES) this.hues[name] = colour(name);
    this.paintCells();
    this.paintColumns();
    this.draw();
  }

  /** Draw in the next frame. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  /** Turn the answer of the map into a picture. */
  paintCells() {
    const { map, policy } = this.state;
    if (!map) return;
    const rows = map.query_edges.length - 1;
    const columns = map.key_edges.length - 1;
    const pixels = pixelsOf(map, (name) => channels(this.hues[name]), policy === null);
    this.cells = picture(pixels, columns, rows);
  }

  /** Turn the answer of the lanes into a picture of a pixel a head and column. */
  paintColumns() {
    const { lanes, value, view } = this.state;
    if (!lanes) return;
    const levels = bytesOf(lanes.levels);
    const [paper, hue] = [this.hues.paper, this.hues[VALUE_HUES[value]]].map(channels);
    const pixels = new Uint8ClampedArray(4 * levels.length);
    levels.forEach((level, i) => {
      const mixed = paper.map((from, c) => from + ((hue[c] - from) * level) / 255);
      pixels.set([...mixed, 255], 4 * i);
    });
    this.columns = picture(pixels, levels.length / view.heads.length, view.heads.length);
  }

  drawNow() {
    const { pen, canvas, state } = this;
    const ratio = devicePixelRatio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    this.font = `11px ${getComputedStyle(canvas).fontFamily}`;
    pen.font = this.font;
    if (state.head < this.scroll) this.scroll = state.head;
    if (state.head >= this.scroll + this.heads) this.scroll = state.head - this.heads + 1;
    drawLanes(this);
    drawFeatures(this);
    drawAxis(this);
    drawMap(this);
    drawStep(this);
    drawArcs(this);
  }

  get sans() {
    return getComputedStyle(this.canvas).fontFamily;
  }

  /**
   * Draw within a band right of the names.
   * @param {number} top
   * @param {number} height
   * @param {() => void} paint
   */
  clipped(top, height, paint) {
    const { pen } = this;
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, top, this.wide, height);
    pen.clip();
    paint();
    pen.restore();
  }
}

/**
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels
 * @param {number} columns
 * @param {number} rows
 */
function picture(pixels, columns, rows) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, columns, rows), 0, 0);
  return canvas;
}

/**
 * Red, green and blue of a colour of the page, `#rrggbb`.
 * @param {string} hue
 * @returns {import("./cells.js").Colour}
 */
function channels(hue) {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hue.slice(at, at + 2), 16));
  return [red, green, blue];
}
