// The timeline of one sequence under one dictionary or several: what is in view, and its data.

import { ask, of } from "./api.js";
import { featureAddress, h, hush, messageOf, settled } from "./dom.js";
import { Passage } from "./passage.js";
import { go, here, remember } from "./router.js";
import { showSelection } from "./selection.js";
import {
  askBrief,
  lacksData,
  loadFirst,
  loadInput,
  loadLaneData,
  loadRows,
  loadStrips,
  loadWords,
  NO_INPUT,
  NO_TEXT,
  readText,
  takeRows,
} from "./timeline_data.js";
import { build } from "./timeline_layout.js";
import { readSelection, readState, readView, writeState } from "./timeline_state.js";
import { showCursorTooltip } from "./timeline_tooltip.js";
import { Viewport } from "./viewport.js";

const SETTLE = 260; // milliseconds without a move before data is fetched
const OPENED = 160; // steps in view at first

/**
 * @typedef {import("./timeline_canvas.js").TimelineCanvas} Chart
 * @typedef {{chart: Chart, row: number | null, step: number | null, keys: boolean, y?: number}}
 *   Cursor `keys`: moved by the keyboard; `y`: of the pointer on the chart
 * @typedef {import("./timeline_state.js").TimelineState} TimelineState
 * @typedef {import("./durations.js").StepUnit & {dictionaries: Pick<Api.DictionaryView, "entry" | "aligned_with" |
 *   "opens_at">[]}} TimelineRun
 * @typedef {{keys: string[], sequence: string, grows?: boolean, whole?: boolean,
 *   rows?: number}} FixedSequence the view
 *   keeps to the end of one that grows; the charts of a whole one are as high as all its rows
 */

export class Timeline {
  /** @type {TimelineText} */
  text = NO_TEXT;
  input = NO_INPUT; // what the model read over the steps in view
  /** @type {Lane[]} over the rows, from the top down */
  lanes = [];
  /** @type {Strip[]} canvases of their own above the charts */
  strips = [];
  /** @type {Lane | null} the one that draws what the model read */
  inputLane = null;
  /** @type {Chart[]} one for each dictionary */
  charts = [];
  /** @type {Map<string, number[]>} steps before which the active features change most, by key */
  boundaries = new Map();
  /** @type {WordLabel[]} */
  labels = [];
  /** @type {Cursor | null} */
  cursor = null;
  /** @type {[number, number] | null} first step and the step after the last */
  selection = null;
  /** @type {Passage | null} */
  passageText = null;
  /** @type {number | null} the animation frame in which all is drawn */
  frame = null;
  /** @type {number | null} the step that is heard */
  playhead = null;
  length = 0;
  turn = 0; // of loading rows; answers to earlier turns are dropped
  where = h("p.where", { "aria-live": "polite" });
  aside = h("section.selection", { hidden: true, "aria-live": "polite" });
  passage = h("section.passage");

  /**
   * @param {HTMLElement} at
   * @param {TimelineRun} run
   * @param {FixedSequence | null} fixed a timeline without an address, as the live view and the
   *   report have it
   */
  constructor(at, run, fixed = null) {
    const query = fixed ? new URLSearchParams({ d: fixed.keys.join(",") }) : here();
    this.at = at;
    this.run = run;
    this.fixed = fixed;
    this.unit = run.unit;
    this.known = new Map(run.dictionaries.map((view) => [view.entry.key, view]));
    const keys = (query.get("d") ?? "").split(",").filter((key) => this.known.has(key));
    this.keys = keys.length ? keys : [run.dictionaries[0].entry.key];
    const [sequence, first, stop] = this.dictionary(this.keys[0]).opens_at;
    const number = query.has("s") ? Number(query.get("s")) : sequence;
    this.sequence = fixed?.sequence ?? number;
    this.state = readState(query);
    if (fixed?.rows) this.state.rows = fixed.rows;
    this.pins = new Set((query.get("pins") ?? "").split(",").filter(Boolean));
    this.selection = readSelection(query);
    const { from, to } = readView(query);
    const opening = !fixed && !query.has("s") && Number.isNaN(from);
    this.view = opening ? new Viewport(first, stop, stop) : new Viewport(from, to, 0);
    this.settleLater = settled(() => this.settle(), SETTLE);
  }

  /** @param {string} key */
  dictionary(key) {
    const view = this.known.get(key);
    if (!view) throw new Error(`There is no dictionary ${key}.`);
    return view;
  }

  /**
   * Numbers of the pinned features of a dictionary.
   * @param {string} key
   */
  pinsOf(key) {
    const pins = [...this.pins].filter((pin) => pin.startsWith(`${key}:`));
    return new Set(pins.map((pin) => Number(pin.slice(key.length + 1))));
  }

  /**
   * GET a record of the sequence.
   * @template {string} What
   * @param {What} what
   * @param {Api.Query<`dictionaries/${string}/sequences/${string}/${What}`>} parameters
   * @returns {Promise<Api.Answer<`dictionaries/${string}/sequences/${string}/${What}`>>}
   */
  asked(what, parameters, key = this.keys[0]) {
    return ask(`${of(key)}/sequences/${String(this.sequence)}/${what}`, parameters);
  }

  async open() {
    const brief = askBrief(this); // beside the words
    await readText(this);
    const { from, to } = this.view;
    const inAddress = Number.isFinite(from) && Number.isFinite(to) && to > from;
    if (inAddress) this.view.place(from, to);
    else this.view.place(0, Math.min(this.length, OPENED));
    const rows = await loadFirst(this, brief);
    this.at.replaceChildren();
    build(this);
    this.passageText = new Passage(this);
    takeRows(this, rows);
    if (this.selection) await showSelection(this);
    this.draw();
  }

  /** Read the live sequence again; a view at its end stays at its end. */
  async renew() {
    const { from, to } = this.view;
    const before = this.length;
    const width = Math.max(OPENED, to - from);
    await readText(this);
    if (to >= before) this.view.place(this.length - width, this.length);
    else this.view.place(from, to);
    await Promise.all([loadStrips(this), loadRows(this), loadInput(this), loadLaneData(this)]);
    this.draw();
  }

  /**
   * Show other dictionaries.
   * @param {string[]} keys
   */
  change(keys) {
    this.keys = keys;
    remember({ d: keys.join(",") }, true);
    this.boundaries.clear();
    this.cursor = null;
    this.charts = [];
    this.open().catch((error) => this.at.append(h("p.empty", {}, messageOf(error))));
  }

  /** @param {Partial<TimelineState>} changes */
  set(changes) {
    Object.assign(this.state, changes);
    this.store();
    if ("look" in changes)
      this.open().catch((error) => this.at.append(h("p.empty", {}, messageOf(error))));
    else if ("sort" in changes || "group" in changes) this.arrange();
    else loadRows(this);
  }

  moved() {
    this.draw();
    this.settleLater();
  }

  /**
   * @param {number} factor of the width of the view
   * @param {number} around the step that stays where it is
   */
  zoom(factor, around) {
    this.view.zoom(factor, around);
    this.moved();
  }

  /** @param {number} steps */
  pan(steps) {
    this.view.pan(steps);
    this.moved();
  }

  whole() {
    this.view.place(0, this.length);
    this.moved();
  }
  /** @type {(chart: Chart, rows: number) => void} */
  scrollRows(chart, rows) {
    chart.scroll = Math.max(0, Math.min(chart.rows.length - chart.visible, chart.scroll + rows));
    this.draw();
  }

  /** Fetch what the view needs, once it has stopped moving. */
  settle() {
    if (!this.at.isConnected) return;
    this.store();
    this.passageText?.write();
    loadInput(this);
    loadLaneData(this).then(() => this.draw());
    loadWords(this);
    const lacking = this.charts.some(({ data }) => lacksData(this, data));
    if (this.state.follow || lacking) loadRows(this);
  }

  store() {
    if (!this.fixed) writeState(this);
  }

  arrange() {
    for (const chart of this.charts) chart.arrange();
    this.draw();
  }

  /** Draw all in the next animation frame, and in those after it while rows move. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.at.isConnected) return;
      for (const chart of this.charts) if (chart.data) chart.draw();
      for (const strip of this.strips) strip.draw();
      if (this.charts.some((chart) => chart.moving)) this.draw();
    });
  }

  /**
   * Put the cursor on a row and a step.
   * @param {Cursor} cursor
   * @param {{x: number, y: number}} place of the tooltip, in the window
   */
  setCursor(cursor, place) {
    this.cursor = cursor;
    this.passageText?.shade();
    this.draw();
    showCursorTooltip(this, cursor, place);
  }

  leave() {
    this.cursor = null;
    hush();
    this.passageText?.shade();
    this.draw();
  }

  /**
   * Pin a row, or take its pin away.
   * @param {Chart} chart
   * @param {number} row
   */
  pin(chart, row) {
    const name = `${chart.key}:${chart.rows[row].feature}`;
    if (!this.pins.delete(name)) this.pins.add(name);
    this.store();
    this.arrange();
    this.passageText?.shade();
    loadStrips(this).then(() => this.draw());
  }

  /** @type {(chart: Chart, row: number) => void} */
  openFeature(chart, row) {
    go(featureAddress(chart.key, chart.rows[row].feature));
  }

  /**
   * Select a segment.
   * @param {number} from
   * @param {number} to
   * @param {boolean} done whether to show what is special about it; not while a drag continues
   */
  select(from, to, done) {
    this.selection = [Math.max(0, from), Math.min(this.length, to)];
    this.draw();
    if (!done) return;
    this.store();
    showSelection(this);
  }

  clearSelection() {
    this.selection = null;
    this.aside.hidden = true;
    this.draw();
    this.store();
  }
}
