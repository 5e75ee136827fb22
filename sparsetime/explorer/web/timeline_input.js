// Wheel, drags, clicks and keys on a chart, as calls of the timeline.

import { ROW } from "./timeline_rows.js";

const STEP = 60; // pixels that stay in view when a page key pans
const CLICK = 4; // pixels; a longer movement is a drag
const TO_THE_END = 1e12; // steps, beyond any sequence; panning stops at its ends

/**
 * @typedef {import("./timeline.js").Timeline} Timeline
 * @typedef {import("./timeline_canvas.js").TimelineCanvas} Chart
 * @typedef {object} Drag where a drag started
 * @property {number} x
 * @property {number} y
 * @property {number} from the first step in view
 * @property {number} scroll
 * @property {number | null} step the first selected step; null where the drag moves the view
 * @property {boolean} moved whether the pointer has left the place of a click
 */

/**
 * Listen on the canvas of a chart.
 * @param {Timeline} timeline
 * @param {Chart} chart
 */
export function handle(timeline, chart) {
  chart.canvas.addEventListener("wheel", (event) => onWheel(timeline, chart, event), {
    passive: false, // or the page would scroll as well
  });
  handlePointer(timeline, chart);
  chart.canvas.addEventListener("keydown", (event) => {
    if (!onKey(timeline, chart, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * The place of an event on the canvas, in pixels before the chart's scale.
 * @param {Chart} chart
 * @param {MouseEvent} event
 */
function placeOf({ canvas, scale }, event) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) / scale, y: (event.clientY - box.top) / scale };
}

/**
 * @param {Timeline} timeline
 * @param {Chart} chart
 * @param {WheelEvent} event
 */
function onWheel(timeline, chart, event) {
  event.preventDefault();
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? ROW : 1;
  const [x, y] = [event.deltaX * unit, event.deltaY * unit];
  if (event.altKey) timeline.scrollRows(chart, y / ROW);
  else if (event.shiftKey || Math.abs(x) > Math.abs(y)) timeline.pan((x || y) / chart.pitch);
  else {
    const around = chart.stepAt(Math.max(placeOf(chart, event).x, chart.gutter));
    timeline.zoom(Math.exp(y * 0.0018), around ?? timeline.view.from);
  }
}

/**
 * @param {Timeline} timeline
 * @param {Chart} chart
 */
function handlePointer(timeline, chart) {
  const { canvas } = chart;
  /** @type {Drag | null} */
  let drag = null;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const { x, y } = placeOf(chart, event);
    const selecting = x >= chart.gutter && y < chart.top;
    const step = selecting ? chart.stepAt(x) : null;
    drag = { x, y, from: timeline.view.from, scroll: chart.scroll, step, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) {
      point(timeline, chart, event);
      return;
    }
    const { x, y } = placeOf(chart, event);
    drag.moved ||= Math.hypot(x - drag.x, y - drag.y) > CLICK;
    if (!drag.moved) return;
    if (drag.step === null) {
      canvas.style.cursor = "grabbing";
      timeline.pan(drag.from - (x - drag.x) / chart.pitch - timeline.view.from);
      timeline.scrollRows(chart, drag.scroll - (y - drag.y) / ROW - chart.scroll);
    } else {
      const step = chart.stepAt(Math.max(chart.gutter, x)) ?? drag.step;
      timeline.select(Math.min(drag.step, step), Math.max(drag.step, step) + 1, false);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { moved, step } = drag;
    drag = null;
    canvas.style.cursor = "";
    const row = chart.rowAt(placeOf(chart, event).y);
    if (step !== null) {
      if (moved && timeline.selection) timeline.select(...timeline.selection, true);
      else timeline.clearSelection();
    } else if (!moved && row !== null) {
      if (event.detail > 1) return; // a double click opens the feature
      timeline.pin(chart, row);
    }
    point(timeline, chart, event);
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener("dblclick", (event) => {
    const row = chart.rowAt(placeOf(chart, event).y);
    if (row !== null) timeline.openFeature(chart, row);
  });
  canvas.addEventListener("pointerleave", () => {
    if (!drag) timeline.leave();
  });
  canvas.addEventListener("blur", () => timeline.leave());
}

/**
 * Put the cursor under the pointer.
 * @param {Timeline} timeline
 * @param {Chart} chart
 * @param {MouseEvent} event
 */
function point(timeline, chart, event) {
  const { x, y } = placeOf(chart, event);
  const row = chart.rowAt(y);
  const step = chart.stepAt(x);
  const selectable = y < chart.top && x >= chart.gutter;
  const named = row !== null && x < chart.gutter;
  chart.canvas.style.cursor = selectable ? "text" : named ? "pointer" : "";
  const inside = step === null || (step >= 0 && step < timeline.length);
  if (!inside || (row === null && step === null)) timeline.leave();
  else {
    const place = { x: event.clientX, y: event.clientY };
    timeline.setCursor({ chart, row, step, keys: false, y }, place);
  }
}

/**
 * @param {Timeline} timeline
 * @param {Chart} chart
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key does something here
 */
function onKey(timeline, chart, { key, shiftKey }) {
  const cursor = timeline.cursor?.chart === chart ? timeline.cursor : null;
  const row = (cursor ? cursor.row : Math.floor(chart.scroll)) ?? 0;
  const step = cursor?.step ?? Math.ceil(timeline.view.from);
  const page = (chart.wide - STEP) / chart.pitch;
  const extend = (/** @type {number} */ by) => {
    const [first, stop] = timeline.selection ?? [step, step + 1];
    timeline.select(first, Math.max(first + 1, stop + by), true);
  };
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowRight: () => (shiftKey ? extend(1) : moveCursor(timeline, chart, row, step + 1)),
    ArrowLeft: () => (shiftKey ? extend(-1) : moveCursor(timeline, chart, row, step - 1)),
    ArrowDown: () => moveCursor(timeline, chart, row + 1, step),
    ArrowUp: () => moveCursor(timeline, chart, row - 1, step),
    "+": () => timeline.zoom(0.7, step),
    "=": () => timeline.zoom(0.7, step),
    "-": () => timeline.zoom(1 / 0.7, step),
    0: () => timeline.whole(),
    PageDown: () => timeline.pan(page),
    PageUp: () => timeline.pan(-page),
    Home: () => timeline.pan(-TO_THE_END),
    End: () => timeline.pan(TO_THE_END),
    Enter: () => timeline.pin(chart, row),
    " ": () => timeline.openFeature(chart, row),
    Escape: () => {
      timeline.clearSelection();
      timeline.leave();
    },
  };
  if (!Object.hasOwn(actions, key)) return false;
  actions[key]();
  return true;
}

/**
 * Move the cursor by keys; the view follows it.
 * @param {Timeline} timeline
 * @param {Chart} chart
 * @param {number} toRow
 * @param {number} toStep
 */
function moveCursor(timeline, chart, toRow, toStep) {
  const { view } = timeline;
  const row = Math.max(0, Math.min(chart.rows.length - 1, toRow));
  const step = Math.max(0, Math.min(timeline.length - 1, toStep));
  if (step < view.from) timeline.pan(step - view.from);
  if (step + 1 > view.to) timeline.pan(step + 1 - view.to);
  if (row < chart.scroll) timeline.scrollRows(chart, row - chart.scroll);
  const below = row + 1 - chart.scroll - chart.visible;
  if (below > 0) timeline.scrollRows(chart, below);
  const box = chart.canvas.getBoundingClientRect();
  const x = box.left + (chart.x(step) + chart.pitch) * chart.scale;
  const y = box.top + (chart.top + (row + 1 - chart.scroll) * ROW) * chart.scale;
  timeline.setCursor({ chart, row, step, keys: true }, { x, y });
}
