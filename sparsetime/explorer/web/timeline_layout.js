// Layout of the timeline: title, controls, strips, one chart per dictionary, legend, and their heights.

import { go } from "./router.js";
import { check, choices, h, hueOf, partOf, plural } from "./dom.js";
import { handle } from "./timeline_input.js";
import { picker } from "./sequence_picker.js";
import { AXIS, ROW, TimelineCanvas, SORTS } from "./timeline_canvas.js";

const AMOUNTS = [24, 36, 48, 120, 400, 2000], BETWEEN = 8;
const ROOM_ALONE = 300, ROOM_WITHIN = 420; // pixels of the window that other things take, also above a fixed timeline

export function build(timeline) {
  const { keys, known, state, unit, text } = timeline;
  const title = (key) => known.get(key).entry.title, parts = keys.some((key) => known.get(key).entry.parts);
  timeline.where = h("p.where", { "aria-live": "polite" });
  timeline.aside = h("section.selection", { hidden: true, "aria-live": "polite" });
  const charts = keys.map((key, i) => {
    const { entry } = known.get(key);
    const canvas = h("canvas.timeline", { tabindex: "0", role: "application", "aria-label": `Timeline under ${entry.title}. Arrow keys move, plus and minus zoom, Enter pins, Space opens.` });
    timeline.charts[i] = new TimelineCanvas(timeline, key, canvas, i ? BETWEEN : timeline.lanes.reduce((sum, lane) => sum + lane.height(timeline.input), 0), i === 0);
    handle(timeline, timeline.charts[i]);
    return h("div.timeline-chart", {}, h("h2", {}, entry.title, h("small", {}, entry.note)), canvas);
  });
  const groups = [["", "no groups"], ...(parts ? [["part", "by part"]] : []), ["together", "by co-activation"]];
  timeline.passage = h("section.passage", {});
  timeline.at.append(
    timeline.fixed ? "" : h("header.head.tight", {}, h("div", {}, h("h1", { dir: "auto" }, /^\d+$/.test(text.title) ? `Sequence ${text.title}` : text.title), h("p.lead.small", {}, `${text.id === text.title ? "" : `${text.id}, `}${plural(timeline.length, unit)}`)),
      picker(keys[0], (sequence) => go(`/timeline?d=${keys.join(",")}&s=${sequence}${timeline.pins.size ? `&pins=${[...timeline.pins].join(",")}` : ""}`))),
    h("div.controls", {}, timeline.fixed ? null : dictionaries(timeline, title),
      h("span.control", {}, "Sort by ", choices("sort", SORTS, state.sort, (value) => timeline.set("sort", value))),
      choose("Groups", groups, state.group, (value) => timeline.set("group", value)),
      choose("Rows", AMOUNTS.map((count) => [String(count), count === 2000 ? "all rows" : `${count} rows`]), String(state.rows), (value) => timeline.set("rows", Number(value))),
      check("hide dense features", !state.dense, (on) => timeline.set("dense", !on)),
      check("rows follow the view", state.follow, (on) => timeline.set("follow", on))),
    ...timeline.strips.map((strip) => strip.element), h("div.timeline-charts", {}, charts),
    h("div.below", {}, timeline.where, legend(timeline, parts)),
    h("p.hint", {}, "Wheel to zoom, drag to move, shift-wheel along time, alt-wheel through the rows. Drag over the words or signals above the rows to list the features specific to that segment. Click a row to pin it, double-click to open it."),
    timeline.aside, timeline.passage);
  size(timeline);
}

const choose = (name, options, chosen, change) => h("select", { "aria-label": name, change: (event) => change(event.target.value) },
  options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));

function dictionaries(timeline, title) {
  const { keys, known, run } = timeline, [first, second = ""] = keys, others = known.get(first).aligned_with;
  return [choose("Dictionary", run.dictionaries.map(({ entry }) => [entry.key, entry.title]), first, (key) => timeline.change([key])),
    others.length ? choose("Stacked dictionary", [["", "alone"], ...others.map((key) => [key, `over ${title(key)}`])], second, (key) => timeline.change(key ? [first, key] : [first])) : null];
}

function legend({ keys, known, unit, fixed }, parts) {
  const names = ["first", "rest"].map((part) => [part, [...new Set(keys.map((key) => partOf(known.get(key).entry, { part })).filter(Boolean))].join(", ")]);
  return h("ul.legend", {}, names.map(([part, name]) => (name ? h("li", {}, h(`i.dot.${hueOf({ part })}`), name) : null)),
    keys.some((key) => !known.get(key).entry.parts) ? h("li", {}, h("i.dot.plain"), parts ? "no parts" : "a feature") : null,
    h("li", {}, `number at a row: mean dwell (length of a run) over the corpus, in ${unit}s`), fixed?.grows ? null : h("li", {}, h("i.dashes"), "the active features change"));
}

/** Each chart as tall as its rows, within what the window has room for. */
export function size(timeline) {
  const room = Math.max(330, innerHeight - (timeline.fixed ? ROOM_WITHIN : ROOM_ALONE)) / timeline.charts.length;
  for (const chart of timeline.charts) {
    const wanted = Math.max(12, chart.rows.length || timeline.state.rows), fitting = Math.floor((room / chart.scale - chart.top - AXIS) / ROW);
    const rows = timeline.fixed?.whole ? wanted : Math.min(wanted, fitting);
    chart.canvas.style.height = `${(chart.top + AXIS + Math.max(8, rows) * ROW) * chart.scale}px`;
  }
  timeline.draw();
}
