// The page around the charts of a timeline: its title, controls and legend, and the charts' heights.

import { check, choices, dropdown, h, hueOf, partOf } from "./dom.js";
import { axisUnit, lasting, sequenceName } from "./durations.js";
import { player } from "./player.js";
import { go } from "./router.js";
import { picker } from "./sequence_picker.js";
import { AXIS, TimelineCanvas } from "./timeline_canvas.js";
import { handle } from "./timeline_input.js";
import { ROW, SORTS } from "./timeline_rows.js";

const ALL_ROWS = 2000;
const AMOUNTS = [24, 36, 48, 120, 400, ALL_ROWS];
const BETWEEN = 8; // pixels above the rows of a chart that does not lead
const ROOM_ALONE = 300; // pixels of the window that other things take
const ROOM_WITHIN = 420; // the same for a timeline with other things above it
const HINT = (/** @type {string} */ input) =>
  `Wheel to zoom, drag to move, shift-wheel along time, alt-wheel through the rows. Drag over the ${input} above the rows to list the features specific to that segment. Click a row to pin it, double-click to open it.`;
/**
 * What is above the rows, by the kind of the input.
 * @type {Record<string, string>}
 */
const INPUTS = {
  text: "words",
  series: "signals",
  letters: "letters",
  frames: "frames",
  none: "space",
};

/** @typedef {import("./timeline.js").Timeline} Timeline */

/**
 * Fill the timeline's element, and make a chart for each of its dictionaries.
 * @param {Timeline} timeline
 */
export function build(timeline) {
  const { keys } = timeline;
  const over = timeline.lanes.reduce(
    (sum, lane) => sum + lane.height(timeline.input, timeline.state.look, timeline),
    0,
  );
  timeline.where = h("p.where", { "aria-live": "polite" });
  timeline.aside = h("section.selection", { hidden: true, "aria-live": "polite" });
  timeline.passage = h("section.passage");
  const charts = keys.map((key, i) => {
    const { entry } = timeline.dictionary(key);
    const canvas = h("canvas.timeline", {
      tabindex: "0",
      role: "application",
      "aria-label": `Timeline under ${entry.title}. Arrow keys move, plus and minus zoom, Enter pins, Space opens.`,
    });
    const top = i ? BETWEEN : over;
    timeline.charts[i] = new TimelineCanvas(timeline, key, canvas, top, i === 0);
    handle(timeline, timeline.charts[i]);
    return h(
      "div.timeline-chart",
      {},
      h("h2", {}, entry.title, h("small", {}, entry.note)),
      canvas,
    );
  });
  // Names of channels stand where the heading is over other inputs.
  const names = timeline.input.kind === "series" ? ".with-channels" : "";
  timeline.at.append(
    ...(timeline.fixed ? [] : [header(timeline)]),
    controls(timeline),
    ...timeline.strips.map((strip) => strip.element),
    h(`div.timeline-charts${names}`, {}, charts),
    h("div.below", {}, timeline.where, legend(timeline)),
    h("p.hint", {}, HINT(INPUTS[timeline.input.kind])),
    timeline.aside,
    timeline.passage,
  );
  size(timeline);
}

/** @param {Timeline} timeline */
function header({ keys, length, pins, text, run }) {
  const name = sequenceName(run);
  const title = /^\d+$/.test(text.title)
    ? `${name[0].toUpperCase()}${name.slice(1)} ${text.title}`
    : text.title;
  const id = text.id === text.title ? "" : `${text.id}, `;
  const open = (/** @type {number} */ sequence) => {
    const pinned = pins.size ? `&pins=${[...pins].join(",")}` : "";
    go(`/timeline?d=${keys.join(",")}&s=${sequence}${pinned}`);
  };
  const lead = h("p.lead.small", {}, `${id}${lasting(length, run)}`);
  return h(
    "header.head.tight",
    {},
    h("div", {}, h("h1", { dir: "auto" }, title), lead),
    picker(keys[0], run, open),
  );
}

/** @param {Timeline} timeline */
function controls(timeline) {
  const { state } = timeline;
  const sorts = choices("sort", [...SORTS], state.sort, (value) => {
    const sort = SORTS.find(([name]) => name === value)?.[0];
    if (sort) timeline.set({ sort });
  });
  /** @type {[import("./timeline_state.js").Grouping, string][]} */
  const groups = [
    ["", "no groups"],
    ["part", "by part"],
    ["together", "by co-activation"],
  ];
  const offered = groups.filter(([group]) => group !== "part" || hasParts(timeline));
  const amounts = AMOUNTS.map((count) => {
    const label = count === ALL_ROWS ? "all rows" : `${count} rows`;
    return /** @type {[string, string]} */ ([String(count), label]);
  });
  return h(
    "div.controls",
    {},
    timeline.fixed ? null : dictionaryChoices(timeline),
    h("span.control", {}, "Sort by ", sorts),
    dropdown("Groups", offered, state.group, (value) =>
      timeline.set({ group: offered.find(([group]) => group === value)?.[0] ?? "" }),
    ),
    dropdown("Rows", amounts, String(state.rows), (rows) => timeline.set({ rows: Number(rows) })),
    check("hide dense features", !state.dense, (on) => timeline.set({ dense: !on })),
    check("rows follow the view", state.follow, (follow) => timeline.set({ follow })),
    lookChoice(timeline),
    player(timeline),
  );
}

/**
 * The ways to draw the input, where its lane has several.
 * @param {Timeline} timeline
 */
function lookChoice(timeline) {
  const { inputLane: lane, input, state } = timeline;
  if (!lane?.looks || !lane.drawnAs || input.channels.length < 2) return null;
  const name = `${input.channels.length} channels as `;
  const looks = choices("look", lane.looks, lane.drawnAs(input, state.look), (look) =>
    timeline.set({ look }),
  );
  return h("span.control", {}, name, looks);
}

/** @param {Timeline} timeline */
const hasParts = (timeline) => timeline.keys.some((key) => timeline.dictionary(key).entry.parts);

/** @param {Timeline} timeline */
function dictionaryChoices(timeline) {
  const [first, second = ""] = timeline.keys;
  const others = timeline.dictionary(first).aligned_with;
  /** @type {[string, string][]} */
  const titles = timeline.run.dictionaries.map(({ entry }) => [entry.key, entry.title]);
  /** @type {[string, string][]} */
  const stacked = others.map((key) => [key, `over ${timeline.dictionary(key).entry.title}`]);
  const stack = (/** @type {string} */ key) => timeline.change(key ? [first, key] : [first]);
  return [
    dropdown("Dictionary", titles, first, (key) => timeline.change([key])),
    others.length
      ? dropdown("Stacked dictionary", [["", "alone"], ...stacked], second, stack)
      : null,
  ];
}

/** @param {Timeline} timeline */
export function legend(timeline) {
  const entries = timeline.keys.map((key) => timeline.dictionary(key).entry);
  const parts = ["first", "rest"].map((part) => {
    const names = new Set(entries.map((entry) => partOf(entry, { part })).filter(Boolean));
    if (!names.size) return null;
    return h("li", {}, h(`i.dot.${hueOf({ part })}`), [...names].join(", "));
  });
  const plain = hasParts(timeline) ? "no parts" : "a feature";
  return h(
    "ul.legend",
    {},
    parts,
    entries.some((entry) => !entry.parts) ? h("li", {}, h("i.dot.plain"), plain) : null,
    h(
      "li",
      {},
      `number at a row: mean dwell (length of a run) over the indexed sequences, in ${axisUnit(timeline.run)}`,
    ),
    timeline.fixed?.grows ? null : h("li", {}, h("i.dashes"), "the active features change"),
  );
}

/**
 * Make each chart as high as its rows, within what the window has room for.
 * @param {Timeline} timeline
 */
export function size(timeline) {
  const around = timeline.fixed ? ROOM_WITHIN : ROOM_ALONE;
  const room = Math.max(330, innerHeight - around) / timeline.charts.length;
  for (const chart of timeline.charts) {
    const fitting = Math.floor((room / chart.scale - chart.top - AXIS) / ROW);
    const wanted = Math.max(12, chart.rows.length || timeline.state.rows);
    const rows = timeline.fixed?.whole ? wanted : Math.max(8, Math.min(wanted, fitting));
    chart.canvas.style.height = `${(chart.top + AXIS + rows * ROW) * chart.scale}px`;
  }
  timeline.draw();
}

/**
 * Draw again when the window's size or the theme changes.
 * @param {Timeline} timeline
 * @returns {() => void} stops that
 */
export function watch(timeline) {
  const redraw = () => {
    if (timeline.charts.length) size(timeline);
  };
  addEventListener("resize", redraw);
  addEventListener("themechange", redraw);
  return () => {
    removeEventListener("resize", redraw);
    removeEventListener("themechange", redraw);
  };
}
