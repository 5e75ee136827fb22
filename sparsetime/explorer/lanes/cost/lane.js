// What a sparse model computed at each step, a row a layer: of each cell what was computed and needed
// is filled from below, what was computed in vain is grey above it, and what was left out though
// needed is outlined from the top.

import { fitted } from "../../web/timeline_rows.js";

const TITLE = 18;
const EDGE = 4;
const ALL = 132; // pixels of all rows of a strip, where they have room
const [LEAST, MOST] = [7, 20]; // of a row

/** @type {WeakMap<Timeline, Api.CostStrips>} */
const answers = new WeakMap();
/** @type {WeakMap<Api.CostStrip, Record<"needed" | "vain" | "missed" | "counted", Uint8Array>>} */
const unpacked = new WeakMap();

/** @param {Api.CostStrip} strip */
const rowHeight = ({ rows }) =>
  Math.max(LEAST, Math.min(MOST, Math.floor(ALL / Math.max(1, rows.length))));

/** @param {Api.CostStrip} strip */
const heightOf = (strip) => TITLE + (strip.note ? 0 : strip.rows.length * rowHeight(strip)) + EDGE;

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share < 0.0995 && share ? 1 : 0)}%`;

export default /** @type {Lane} */ ({
  fits: () => true,
  height(_input, _look, timeline) {
    const strips = (timeline && answers.get(timeline)?.strips) ?? [];
    return strips.reduce((sum, strip) => sum + heightOf(strip), 0);
  },
  async load(timeline) {
    const known = answers.get(timeline);
    if (timeline.fixed || (known && !known.strips.length)) return;
    const { first, stop } = timeline.view.steps;
    const side = Math.ceil((stop - first) / 2);
    const range = {
      first: Math.max(0, first - side),
      stop: Math.min(timeline.length, stop + side),
    };
    answers.set(timeline, await timeline.asked("cost", range));
  },
  draw(chart, timeline) {
    let top = 0;
    for (const strip of answers.get(timeline)?.strips ?? []) {
      drawTitle(chart, strip, top);
      if (!strip.note) drawRows(chart, timeline, strip, top + TITLE);
      top += heightOf(strip);
    }
  },
  describe(timeline, step, y = -1) {
    let top = 0;
    for (const strip of answers.get(timeline)?.strips ?? []) {
      const row = Math.floor((y - top - TITLE) / rowHeight(strip));
      const at = Math.floor((step - strip.begin) / strip.stride);
      const is_there = row >= 0 && row < strip.rows.length && at >= 0 && at < strip.columns;
      if (!strip.note && is_there && levelsOf(strip).counted[at]) {
        const share = (/** @type {"needed" | "vain" | "missed"} */ kind) =>
          percent(levelsOf(strip)[kind][row * strip.columns + at] / 255);
        return `${strip.rows[row]}: ${share("needed")} computed and needed, ${share("vain")} in vain, ${share("missed")} left out though needed`;
      }
      top += heightOf(strip);
    }
    return "";
  },
});

/** @param {Api.CostStrip} strip */
function levelsOf(strip) {
  const known = unpacked.get(strip);
  if (known) return known;
  const bytes = (/** @type {string} */ text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const made = {
    needed: bytes(strip.needed),
    vain: bytes(strip.vain),
    missed: bytes(strip.missed),
    counted: bytes(strip.counted),
  };
  unpacked.set(strip, made);
  return made;
}

/**
 * The name of the strip, what its model leaves out, and the key of its marks.
 * @param {Chart} chart
 * @param {Api.CostStrip} strip
 * @param {number} top
 */
function drawTitle({ pen, hues, font, gutter, wide }, strip, top) {
  const y = top + 12;
  pen.font = `600 11px ${font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.soft;
  pen.fillText(fitted(pen, strip.name, gutter - 24), gutter - 12, y);
  pen.textAlign = "left";
  pen.font = `11px ${font}`;
  if (strip.note) {
    pen.fillText(fitted(pen, strip.note, wide), gutter, y);
    return;
  }
  const [needed, vain, missed] = strip.shares.map(percent);
  let x = gutter;
  for (const [kind, text] of /** @type {const} */ ([
    ["needed", `${needed} computed and needed`],
    ["vain", `${vain} in vain`],
    ["missed", `${missed} left out though needed`],
  ])) {
    const width = pen.measureText(text).width;
    if (x + width + 30 > gutter + wide) return;
    mark(pen, hues, kind, x, y - 8, 9, 9);
    pen.fillStyle = hues.soft;
    pen.fillText(text, x + 13, y);
    x += width + 30;
  }
  pen.fillStyle = hues.faint;
  pen.fillText(fitted(pen, strip.plans.join("; ") || "dense", gutter + wide - x), x, y);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Chart["hues"]} hues
 * @param {"needed" | "vain" | "missed"} kind
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function mark(pen, hues, kind, x, y, width, height) {
  if (height <= 0) return;
  if (kind === "missed") {
    pen.strokeStyle = hues.high;
    pen.lineWidth = 1;
    if (width >= 3 && height >= 2)
      pen.strokeRect(x + 0.5, y + 0.5, width - 1, Math.max(1, height - 1));
    else {
      pen.fillStyle = hues.high;
      pen.fillRect(x, y, width, height);
    }
    return;
  }
  pen.fillStyle = kind === "needed" ? hues.low : hues.faint;
  pen.globalAlpha = kind === "needed" ? 0.7 : 1;
  pen.fillRect(x, y, width, height);
  pen.globalAlpha = 1;
}

/**
 * @param {Chart} chart
 * @param {Timeline} timeline
 * @param {Api.CostStrip} strip
 * @param {number} top
 */
function drawRows(chart, timeline, strip, top) {
  const { pen, hues, font, gutter, wide } = chart;
  const high = rowHeight(strip);
  const { needed, vain, missed, counted } = levelsOf(strip);
  const { from, to } = timeline.view;
  const begin = Math.max(0, Math.floor((from - strip.begin) / strip.stride));
  const end = Math.min(strip.columns, Math.ceil((to - strip.begin) / strip.stride));
  pen.font = `${Math.min(10.5, high + 1)}px ${font}`;
  pen.textAlign = "right";
  pen.fillStyle = hues.soft;
  strip.rows.forEach((name, row) => {
    pen.fillText(fitted(pen, name, gutter - 24), gutter - 12, top + row * high + high / 2 + 3.5);
  });
  pen.textAlign = "left";
  pen.save();
  pen.beginPath();
  pen.rect(gutter, top, wide, strip.rows.length * high);
  pen.clip();
  for (let at = begin; at < end; at += 1) {
    if (!counted[at]) continue;
    const left = chart.x(strip.begin + at * strip.stride);
    const right = chart.x(strip.begin + (at + 1) * strip.stride);
    const gap = right - left >= 4 ? 1 : 0;
    const width = Math.max(0.5, right - left - gap);
    for (let row = 0; row < strip.rows.length; row += 1) {
      const place = row * strip.columns + at;
      const room = high - 2;
      const bottom = top + row * high + high - 1;
      const tall = (room * needed[place]) / 255;
      const useless = (room * vain[place]) / 255;
      const lacking = (room * missed[place]) / 255;
      mark(pen, hues, "needed", left, bottom - tall, width, tall);
      mark(pen, hues, "vain", left, bottom - tall - useless, width, useless);
      mark(pen, hues, "missed", left, top + row * high + 1, width, lacking);
    }
  }
  pen.restore();
}
