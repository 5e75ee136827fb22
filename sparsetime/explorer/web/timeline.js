// The timeline: features as rows over the steps of one sequence, under one dictionary or several.

import { go, here, remember } from "./router.js";
import { TOO_DENSE } from "./local_codes.js";
import { featureAddress, h, hush, nameOf, partOf, percent, plural, say, settled, short } from "./dom.js";
import { Passage } from "./passage.js";
import { inputLane, lanesOver, stripsOver } from "./lanes.js";
import { ROW, SORTS } from "./timeline_canvas.js";
import { ask, of } from "./api.js";
import { showSelection } from "./selection.js";
import { build, size } from "./timeline_layout.js";
import { labelled } from "./label_layout.js";

const NARROWEST = 8, SETTLE = 260, OPENED = 160, FARTHEST = 100000;
const numbers = (text) => (text ?? "").split(",").filter(Boolean).map(Number);

export class Timeline {
  /**
   * `fixed` is { keys, sequence, grows, whole, rows }: a timeline without an address, as the live view and the
   * report have it; `whole` makes its charts as tall as all their rows.
   * The view keeps to the end of a sequence that grows.
   */
  constructor(at, run, fixed = null) {
    const query = fixed ? new URLSearchParams({ d: fixed.keys.join(","), s: fixed.sequence }) : here();
    this.known = new Map(run.dictionaries.map((each) => [each.entry.key, each]));
    const keys = (query.get("d") ?? "").split(",").filter((key) => this.known.has(key));
    Object.assign(this, { at, run, fixed, unit: run.unit, keys: keys.length ? keys : [run.dictionaries[0].entry.key] });
    const best = this.known.get(this.keys[0]).opens_at, number = (name) => (query.has(name) ? Number(query.get(name)) : NaN);
    this.sequence = fixed ? fixed.sequence : query.has("s") ? Number(query.get("s")) : best[0];
    this.state = {
      sort: SORTS.some(([name]) => name === query.get("sort")) ? query.get("sort") : "timescale",
      group: ["part", "together"].includes(query.get("group")) ? query.get("group") : "",
      rows: fixed?.rows ?? (Number(query.get("rows")) || 48), dense: query.get("dense") === "1", follow: query.get("follow") !== "0",
    };
    this.pins = new Set((query.get("pins") ?? "").split(",").filter(Boolean));
    this.selection = query.has("span") ? numbers(query.get("span").replace("-", ",")) : null;
    this.view = { from: number("from"), to: number("to") };
    if (!query.has("s") && Number.isNaN(this.view.from)) this.view = { from: best[1], to: best[2] };
    Object.assign(this, { charts: [], lanes: [], strips: [], boundaries: new Map(), labels: [], cursor: null, frame: null, turn: 0 });
    this.rest = settled(() => this.settle(), SETTLE);
  }

  pinsOf(key) { return new Set([...this.pins].filter((pin) => pin.startsWith(`${key}:`)).map((pin) => Number(pin.slice(key.length + 1)))); }
  asked(what, parameters, key = this.keys[0]) { return ask(`${of(key)}/sequences/${this.sequence}/${what}`, parameters); }

  async open() {
    this.text = await this.asked("words", {});
    this.length = this.text.length;
    let { from, to } = this.view;
    if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from) { from = 0; to = Math.min(this.length, OPENED); }
    this.view = { from: 0, to: this.length };
    this.place(from, to);
    this.labels = labelled(this.text);
    this.input = await this.asked("input", this.stretch());
    this.inputLane = inputLane(this.input, this.text);
    this.lanes = lanesOver(this.input, this.text);
    this.strips = stripsOver(this);
    await Promise.all(this.lanes.map((lane) => lane.load?.(this)));
    this.at.replaceChildren();
    build(this);
    this.passageText = new Passage(this);
    await Promise.all([this.loadStrips(), this.loadRows()]);
    if (this.selection) await showSelection(this);
    this.draw();
  }

  /** The live sequence has grown or is another: look again, and stay at its end if we were there. */
  async renew() {
    const { from, to } = this.view, was = this.length, width = Math.max(OPENED, to - from);
    this.text = await this.asked("words", {});
    this.length = this.text.length;
    this.labels = labelled(this.text);
    this.view = { from: 0, to: this.length };
    if (to >= was) this.place(this.length - width, this.length); else this.place(from, to);
    await Promise.all([this.loadStrips(), this.loadRows(), this.loadInput(), ...this.lanes.map((lane) => lane.load?.(this))]);
    this.draw();
  }

  /** What answers are asked for: the steps in view, and no fewer than one. */
  stretch() {
    const first = Math.floor(this.view.from);
    return { first, stop: Math.min(this.length, Math.max(first + 1, Math.ceil(this.view.to))) };
  }

  change(keys) {
    this.keys = keys;
    remember({ d: keys.join(",") }, true);
    this.boundaries.clear();
    this.cursor = null;
    this.charts = [];
    this.open().catch((error) => this.at.append(h("p.empty", {}, error.message)));
  }
  set(name, value) {
    this.state[name] = value;
    this.store();
    if (name === "sort" || name === "group") this.arrange(); else this.loadRows();
  }

  /** Look at other steps; never narrower than a few, never beyond the ends. */
  place(from, to) {
    const wide = Math.min(this.length, Math.max(Math.min(NARROWEST, this.length), to - from));
    const begin = Math.max(0, Math.min(this.length - wide, from + (to - from - wide) / 2));
    this.view = { from: begin, to: begin + wide };
  }
  moved() { this.draw(); this.rest(); }
  zoom(by, around) {
    const { from, to } = this.view, wide = Math.min(this.length, Math.max(NARROWEST, (to - from) * by));
    const begin = around - ((around - from) / (to - from)) * wide;
    this.place(begin, begin + wide);
    this.moved();
  }
  pan(steps) {
    const wide = this.view.to - this.view.from, begin = Math.max(0, Math.min(this.length - wide, this.view.from + steps));
    this.view = { from: begin, to: begin + wide };
    this.moved();
  }
  whole() { this.place(0, this.length); this.moved(); }
  scrollRows(chart, rows) { chart.scroll = Math.max(0, Math.min(chart.rows.length - chart.visible, chart.scroll + rows)); this.draw(); }

  settle() {
    if (!this.at.isConnected) return;
    this.store();
    this.passageText.write();
    this.loadInput();
    const { from, to } = this.view;
    const lacking = this.charts.some(({ data }) => data && (from < data.first && data.first > 0 || to > data.stop && data.stop < this.length || data.stride > 1 && (to - from) * data.stride < data.stop - data.first));
    if (this.state.follow || lacking) this.loadRows();
  }

  store() {
    if (this.fixed) return;
    const { sort, group, rows, dense, follow } = this.state;
    remember({
      d: this.keys.join(","), s: this.sequence, from: Math.round(this.view.from), to: Math.round(this.view.to),
      sort: sort === "timescale" ? "" : sort, group, rows: rows === 48 ? "" : rows, dense: dense ? "1" : "", follow: follow ? "" : "0",
      pins: [...this.pins].join(","), span: this.selection ? this.selection.join("-") : "",
    });
  }

  async loadRows() {
    const mine = ++this.turn, { first, stop } = this.stretch();
    const found = await Promise.all(this.charts.map((chart) => {
      const fresh = this.state.follow || !chart.data || chart.data.asked !== this.state.rows;
      const kept = this.state.follow || !chart.data ? [...this.pinsOf(chart.key)] : chart.data.rows.map((row) => row.feature);
      return this.asked("timeline", {
        first, stop, reach: Math.min(FARTHEST, 2 * (stop - first)), also: kept, densest: this.state.dense ? 1 : TOO_DENSE, rows: fresh ? this.state.rows : 0,
      }, chart.key);
    }));
    if (mine !== this.turn || !this.at.isConnected) return;
    found.forEach((data, i) => { data.asked = this.state.rows; this.charts[i].take(data); });
    this.where.textContent = found.map((data, i) => `${plural(data.active_features, "feature")} active here, ${data.rows.length} shown${this.keys.length > 1 ? ` (${this.known.get(this.keys[i]).entry.title})` : ""}`).join(" · ");
    size(this);
    this.passageText.write();
  }

  async loadInput() {
    if (!this.lanes.some((lane) => lane.reads)) return;
    const { first, stop } = this.stretch(), wide = stop - first;
    this.input = await this.asked("input", { first: Math.max(0, first - wide), stop: Math.min(this.length, stop + wide), columns: 3000 });
    this.draw();
  }

  async loadStrips() { await Promise.all(this.strips.map((strip) => strip.load())); }

  arrange() { for (const chart of this.charts) chart.arrange(); this.draw(); }
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.at.isConnected) return;
      for (const chart of this.charts) if (chart.data) chart.draw();
      for (const strip of this.strips) strip.draw();
      if (this.charts.some((chart) => chart.moving)) this.draw();
    });
  }

  point(chart, x, y, event) {
    const row = chart.rowAt(y), step = chart.stepAt(x);
    const inside = step === null || (step >= 0 && step < this.length);
    chart.canvas.style.cursor = y < chart.top && x >= chart.gutter ? "text" : row !== null && x < chart.gutter ? "pointer" : "";
    if (!inside || (row === null && step === null)) return this.leave();
    this.cursor = { chart, row, step, keys: false };
    return this.tell(event.clientX, event.clientY);
  }
  tell(x, y) {
    const { chart, row, step } = this.cursor;
    this.passageText.shade();
    this.draw();
    const word = step === null ? null : this.text.words[step - this.text.first] || `${this.unit} ${step}`;
    const read = step === null ? "" : this.lanes.map((lane) => lane.describe?.(this, step) ?? "").filter(Boolean).join("; ");
    if (row === null) return read ? say({ x, y }, word, read) : hush();
    const each = chart.rows[row], strength = step === null ? 0 : chart.strength(each, step);
    return say({ x, y }, word ?? nameOf(each, 5), read, step === null ? "" : strength ? `at ${strength}% of its largest activation` : "inactive here",
      step === null ? "" : nameOf(each, 5),
      `feature ${each.feature}${each.part ? `, ${partOf(this.known.get(chart.key).entry, each)}` : ""}; mean dwell ${short(each.dwell)} ${this.unit}s; active on ${percent(each.density)} of all`);
  }
  moveTo(chart, row, step) {
    const r = Math.max(0, Math.min(chart.rows.length - 1, row)), s = Math.max(0, Math.min(this.length - 1, step));
    if (s < this.view.from) this.pan(s - this.view.from);
    if (s + 1 > this.view.to) this.pan(s + 1 - this.view.to);
    if (r < chart.scroll) this.scrollRows(chart, r - chart.scroll);
    if (r >= chart.scroll + chart.visible) this.scrollRows(chart, r - chart.visible + 1 - chart.scroll);
    this.cursor = { chart, row: r, step: s, keys: true };
    const box = chart.canvas.getBoundingClientRect();
    this.tell(box.left + (chart.x(s) + chart.pitch) * chart.scale, box.top + (chart.top + (r + 1 - chart.scroll) * ROW) * chart.scale);
  }
  leave() { this.cursor = null; hush(); this.passageText.shade(); this.draw(); }

  pin(chart, row) {
    const name = `${chart.key}:${chart.rows[row].feature}`;
    if (!this.pins.delete(name)) this.pins.add(name);
    chart.before = null;
    this.store();
    this.arrange();
    this.passageText.shade();
    this.loadStrips().then(() => this.draw());
  }
  openFeature(chart, row) { go(featureAddress(chart.key, chart.rows[row].feature)); }

  select(from, to, done) {
    this.selection = from === null ? null : [Math.max(0, from), Math.min(this.length, to)];
    this.draw();
    if (from === null) { this.aside.hidden = true; this.store(); } else if (done) { this.store(); showSelection(this); }
  }
}

/** Draw again when the window or the theme is another; gives back how to stop. */
export function watch(timeline) {
  const again = () => { if (timeline.strips.length || timeline.charts.length) size(timeline); };
  addEventListener("resize", again);
  addEventListener("themechange", again);
  return () => { removeEventListener("resize", again); removeEventListener("themechange", again); };
}
