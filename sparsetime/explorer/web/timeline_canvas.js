// The chart of one dictionary on a canvas: features as rows, time to the right.

import { colour, hueOf, nameOf, short } from "./dom.js";

export const ROW = 16, AXIS = 20;
export const SORTS = [["timescale", "timescale"], ["entry", "first entry"], ["strength", "activation"], ["likeness", "co-activation"]];
const EASE = 200, MOST_DASHES = 60;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class TimelineCanvas {
  /** `timeline` is the view that owns it: its state, words, viewport. `top` is the room over the rows; the chart
   *  that `leads` shows there what the model read. */
  constructor(timeline, key, canvas, top, leads) {
    Object.assign(this, { timeline, key, canvas, top, leads, rows: [], data: null, scroll: 0, y: new Map(), began: 0 });
    this.pen = canvas.getContext("2d");
  }

  /** Everything is drawn larger on a very wide screen; all places here are before that scale. */
  get scale() { return innerWidth >= 2000 ? 1.2 : 1; }
  get across() { return this.canvas.clientWidth / this.scale; }
  get down() { return this.canvas.clientHeight / this.scale; }
  get gutter() { return innerWidth >= 2000 ? 310 : 268; }
  get wide() { return this.across - this.gutter; }
  get pitch() { return this.wide / (this.timeline.view.to - this.timeline.view.from); }
  x(step) { return this.gutter + (step - this.timeline.view.from) * this.pitch; }
  get visible() { return Math.max(1, Math.floor((this.down - this.top - AXIS) / ROW)); }

  /** Other rows: those that stay glide to their new places, the others fade in. */
  take(data) {
    this.data = data;
    this.before = new Map(this.rows.map((row, i) => [row.feature, this.placeOf(i)]));
    this.arrange();
  }

  arrange() {
    if (!this.data) return;
    const before = this.before ?? new Map(this.rows.map((row, i) => [row.feature, this.placeOf(i)]));
    this.before = null;
    const { sort, group } = this.timeline.state;
    const pins = this.timeline.pinsOf(this.key);
    const orders = {
      timescale: (a, b) => b.dwell - a.dwell,
      entry: (a, b) => (a.columns[0] ?? 1e9) - (b.columns[0] ?? 1e9) || b.dwell - a.dwell,
      strength: (a, b) => b.energy - a.energy,
      likeness: (a, b) => a.place - b.place,
    };
    this.rows = [...this.data.rows].sort((a, b) =>
      Number(pins.has(b.feature)) - Number(pins.has(a.feature))
      || (group === "part" ? (a.part < b.part ? -1 : a.part > b.part ? 1 : 0) : 0)
      || (group === "together" ? a.group - b.group : 0)
      || orders[sort](a, b));
    this.y = new Map(this.rows.map((row, i) => [row.feature, { from: before.get(row.feature) ?? null, to: i }]));
    this.began = still.matches ? -EASE : performance.now();
    this.scroll = Math.max(0, Math.min(this.scroll, this.rows.length - this.visible));
  }

  get moving() { return performance.now() - this.began < EASE; }
  get eased() { const t = Math.min(1, (performance.now() - this.began) / EASE); return t * (2 - t); }

  placeOf(i) {
    const place = this.y.get(this.rows[i]?.feature);
    return !place || place.from === null ? i : place.from + (place.to - place.from) * this.eased;
  }

  rowAt(y) {
    const row = Math.floor((y - this.top) / ROW + this.scroll);
    return y >= this.top && y < this.down - AXIS && row >= 0 && row < this.rows.length ? row : null;
  }
  stepAt(x) { return x < this.gutter ? null : Math.floor(this.timeline.view.from + (x - this.gutter) / this.pitch); }

  /** Strength in percent on a step, or 0. */
  strength(row, step) {
    const { columns, strengths } = row, column = Math.floor((step - this.data.first) / this.data.stride);
    let low = 0, high = columns.length;
    while (low < high) { const mid = (low + high) >> 1; if (columns[mid] < column) low = mid + 1; else high = mid; }
    return columns[low] === column ? strengths[low] : 0;
  }

  draw() {
    const { canvas, pen } = this, ratio = devicePixelRatio * this.scale;
    const wide = this.across, tall = this.down;
    if (!wide) return;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(wide * ratio); canvas.height = Math.round(tall * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    this.hues = Object.fromEntries(["high", "low", "plain", "ink", "soft", "faint", "rule", "paper"].map((name) => [name, colour(name)]));
    this.font = getComputedStyle(document.body).fontFamily;
    const floor = tall - AXIS;
    this.drawGrounds(floor);
    pen.save();
    pen.beginPath(); pen.rect(0, this.top, wide, floor - this.top); pen.clip();
    const begin = Math.max(0, Math.floor(this.scroll) - 1), end = Math.min(this.rows.length, begin + this.visible + 3);
    for (let i = begin; i < end; i += 1) this.drawRow(i);
    pen.restore();
    if (this.leads) this.drawInput();
    this.drawAxis(floor);
    this.drawCursor(floor);
    this.drawScrollbar(floor);
  }

  drawGrounds(floor) {
    const { pen, timeline, hues } = this, { view, selection } = timeline;
    if (selection) {
      const a = Math.max(this.gutter, this.x(selection[0])), b = this.x(selection[1]);
      pen.globalAlpha = 0.07; pen.fillStyle = hues.ink;
      if (b > a) pen.fillRect(a, 0, b - a, floor);
      pen.globalAlpha = 1;
    }
    pen.strokeStyle = hues.faint; pen.lineWidth = 1; pen.setLineDash([2, 3]); pen.globalAlpha = 0.7;
    const turns = (timeline.boundaries.get(this.key) ?? []).filter((step) => step > view.from && step < view.to);
    for (const step of turns.length <= MOST_DASHES ? turns : []) {
      const x = Math.round(this.x(step)) + 0.5;
      pen.beginPath(); pen.moveTo(x, this.top); pen.lineTo(x, floor); pen.stroke();
    }
    pen.setLineDash([]); pen.globalAlpha = 1;
  }

  drawRow(i) {
    const { pen, hues, timeline, data } = this, row = this.rows[i];
    const y = this.top + (this.placeOf(i) - this.scroll) * ROW, floor = y + ROW - 1.5, full = ROW - 4;
    const fresh = this.y.get(row.feature)?.from === null ? this.eased : 1;
    const hue = hues[hueOf(row)];
    const pinned = timeline.pinsOf(this.key).has(row.feature);
    const on = timeline.cursor?.chart === this && timeline.cursor.row === i;
    const wide = this.across;
    if (pinned || on) {
      pen.globalAlpha = pinned ? 0.1 : 0.06; pen.fillStyle = pinned ? hue : hues.ink;
      pen.fillRect(0, y, wide, ROW);
    }
    const parted = this.parted(i);
    pen.globalAlpha = parted ? 0.55 : 1; pen.fillStyle = parted ? hues.faint : hues.rule;
    pen.fillRect(parted ? 0 : this.gutter, floor + 0.5, parted ? wide : wide - this.gutter, 1);
    this.drawLabel(row, y, hue, pinned || on, fresh);
    const size = this.pitch * data.stride, { columns, strengths } = row;
    const first = (timeline.view.from - data.first) / data.stride - 1, last = (timeline.view.to - data.first) / data.stride;
    let at = 0, high = columns.length;
    while (at < high) { const mid = (at + high) >> 1; if (columns[mid] < first) at = mid + 1; else high = mid; }
    pen.fillStyle = hue;
    const left = this.gutter, zero = this.x(data.first);
    let begin = null, until = null, tall = 0, pixel = -1;
    const bars = [];
    for (; at < columns.length && columns[at] <= last; at += 1) {
      const a = Math.max(left, zero + columns[at] * size), b = Math.max(a, zero + (columns[at] + 1) * size);
      if (until !== null && a > until + 0.6) { bars.push([begin, until]); begin = a; } else if (begin === null) begin = a;
      until = b;
      const here = Math.floor(a), height = (full * strengths[at]) / 100;
      pen.globalAlpha = fresh;
      if (size >= 1) pen.fillRect(a, floor - Math.max(1.5, height), Math.max(0.8, b - a - (size > 5 ? 0.6 : 0)), Math.max(1.5, height));
      else if (here === pixel) { if (height > tall) { pen.fillRect(here, floor - height, 1, height); tall = height; } }
      else { pixel = here; tall = Math.max(1.5, height); pen.fillRect(here, floor - tall, 1, tall); }
    }
    if (begin !== null) bars.push([begin, until]);
    pen.globalAlpha = 0.18 * fresh;
    for (const [a, b] of bars) pen.fillRect(a, floor - full, Math.max(1, b - a), full);
    pen.globalAlpha = 1;
  }

  /** Whether a group of rows ends here. */
  parted(i) {
    const by = { part: "part", together: "group" }[this.timeline.state.group], next = this.rows[i + 1];
    return by && next && next[by] !== this.rows[i][by];
  }

  drawLabel(row, y, hue, strong, fresh) {
    const { pen, hues } = this, base = y + ROW / 2 + 4;
    pen.globalAlpha = fresh;
    pen.font = `11px ${this.font}`; pen.textAlign = "right"; pen.fillStyle = hues.faint;
    pen.fillText(row.feature, 40, base);
    pen.font = `600 11px ${this.font}`; pen.fillStyle = hue;
    pen.fillText(short(row.dwell), this.gutter - 12, base);
    pen.textAlign = "left"; pen.font = `${strong || row.label ? "600 " : ""}12px ${this.font}`;
    pen.fillStyle = strong || row.label ? hues.ink : hues.soft;
    const room = this.gutter - 48 - 50;
    let text = nameOf(row, 4);
    if (pen.measureText(text).width > room) {
      let low = 0, high = text.length;
      while (low < high) { const mid = (low + high + 1) >> 1; if (pen.measureText(`${text.slice(0, mid)}…`).width <= room) low = mid; else high = mid - 1; }
      text = `${text.slice(0, low).trimEnd()}…`;
    }
    pen.fillText(text, 48, base);
    pen.globalAlpha = 1;
  }

  drawInput() {
    let above = 0;
    for (const lane of this.timeline.lanes) {
      const height = lane.height(this.timeline.input);
      this.pen.save();
      this.pen.translate(0, above);
      // A lane draws from 0 to `top`, wherever it stands: for it, the chart's top is its own height.
      lane.draw(Object.create(this, { top: { value: height } }), this.timeline);
      this.pen.restore();
      above += height;
    }
  }

  drawAxis(floor) {
    const { pen, hues, timeline } = this, { view } = timeline;
    const rough = ((view.to - view.from) / this.wide) * 110, size = 10 ** Math.floor(Math.log10(Math.max(1, rough)));
    const step = Math.max(1, [1, 2, 5, 10].map((m) => m * size).find((s) => s >= rough) ?? size * 10);
    pen.font = `11px ${this.font}`; pen.fillStyle = hues.faint; pen.textAlign = "left";
    for (let at = Math.ceil(view.from / step) * step; at < view.to; at += step) {
      const x = this.x(at);
      pen.fillRect(Math.round(x), floor, 1, 4);
      if (x < this.across - 40) pen.fillText((at + (timeline.text.origin ?? 0)).toLocaleString("en"), x + 4, floor + 14);
    }
    pen.fillText(`${timeline.unit}s`, 48, floor + 14);
    pen.textAlign = "right";
    pen.fillText("dwell", this.gutter - 12, floor + 14);
    pen.textAlign = "left";
  }

  drawCursor(floor) {
    const { pen, hues, timeline } = this, { cursor } = timeline;
    if (!cursor || cursor.step === null) return;
    const x = this.x(cursor.step), wide = Math.max(1, this.pitch);
    if (x + wide < this.gutter) return;
    pen.globalAlpha = 0.08; pen.fillStyle = hues.ink;
    const over = timeline.inputLane.reads ? 0 : this.top; // pictures of time continue on the same axis
    pen.fillRect(Math.max(this.gutter, x), over, wide, floor - over);
    pen.globalAlpha = 1;
    if (cursor.chart === this && cursor.row !== null && cursor.keys) {
      pen.strokeStyle = hues.ink; pen.lineWidth = 1.5;
      pen.strokeRect(x, this.top + (cursor.row - this.scroll) * ROW, Math.max(3, wide), ROW - 1);
    }
  }

  drawScrollbar(floor) {
    if (this.rows.length <= this.visible) return;
    const { pen, hues } = this, tall = floor - this.top, share = this.visible / this.rows.length;
    pen.fillStyle = hues.faint; pen.globalAlpha = 0.5;
    pen.fillRect(this.across - 4, this.top + (this.scroll / this.rows.length) * tall, 3, Math.max(18, share * tall));
    pen.globalAlpha = 1;
  }
}
