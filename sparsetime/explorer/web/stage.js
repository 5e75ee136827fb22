// What stands around the rolls of a score: its title, the controls, the legend, and how tall all is.

import { go } from "./address.js";
import { check, choices, h, hueOf, partOf, plural } from "./dom.js";
import { handle } from "./hands.js";
import { makeMap } from "./map.js";
import { picker } from "./picker.js";
import { AXIS, ROW, Roll, SORTS } from "./roll.js";

const AMOUNTS = [24, 48, 120, 400, 2000], BETWEEN = 8;

export function build(score) {
  const { keys, known, state, unit, text } = score;
  const title = (key) => known.get(key).entry.title, parts = keys.some((key) => known.get(key).entry.parts);
  score.map = makeMap(score);
  score.where = h("p.where", { "aria-live": "polite" });
  score.aside = h("section.span", { hidden: true, "aria-live": "polite" });
  const panels = keys.map((key, i) => {
    const { entry } = known.get(key);
    const canvas = h("canvas.roll", { tabindex: "0", role: "application", "aria-label": `Score under ${entry.title}. Arrow keys move, plus and minus zoom, Enter pins, Space opens.` });
    score.rolls[i] = new Roll(score, key, canvas, i ? BETWEEN : score.renderer.tall(score.input), i === 0);
    handle(score, score.rolls[i]);
    return h("div.panel", {}, h("h2", {}, entry.title, h("small", {}, entry.note)), canvas);
  });
  const groups = [["", "no groups"], ...(parts ? [["part", "by part"]] : []), ["together", "by company"]];
  score.passage = h("section.passage", {});
  score.at.append(
    score.live ? "" : h("header.head.tight", {}, h("div", {}, h("h1", { dir: "auto" }, /^\d+$/.test(text.title) ? `Sequence ${text.title}` : text.title), h("p.lead.small", {}, `${text.id === text.title ? "" : `${text.id}, `}${plural(score.length, unit)}`)),
      picker(keys[0], (sequence) => go(`/score?d=${keys.join(",")}&s=${sequence}${score.pins.size ? `&pins=${[...score.pins].join(",")}` : ""}`))),
    h("div.controls", {}, score.live ? null : dictionaries(score, title),
      h("span.control", {}, "Sort by ", choices("sort", SORTS, state.sort, (value) => score.set("sort", value))),
      choose("Groups", groups, state.group, (value) => score.set("group", value)),
      choose("Rows", AMOUNTS.map((count) => [String(count), count === 2000 ? "all rows" : `${count} rows`]), String(state.rows), (value) => score.set("rows", Number(value))),
      check("hide what is always on", !state.dense, (on) => score.set("dense", !on)),
      check("rows follow the view", state.follow, (on) => score.set("follow", on))),
    score.map.canvas, h("div.panels", {}, panels),
    h("div.below", {}, score.where, legend(score, parts)),
    h("p.hint", {}, "Wheel to zoom, drag to move, shift-wheel along time, alt-wheel through the rows. Drag over what stands above the rows to see what only that stretch has. Click a row to pin it, double-click to open it."),
    score.aside, score.passage);
  size(score);
}

const choose = (name, options, chosen, change) => h("select", { "aria-label": name, change: (event) => change(event.target.value) },
  options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));

function dictionaries(score, title) {
  const { keys, known, run } = score, [first, second = ""] = keys, others = known.get(first).aligned_with;
  return [choose("Dictionary", run.dictionaries.map(({ entry }) => [entry.key, entry.title]), first, (key) => score.change([key])),
    others.length ? choose("Stacked dictionary", [["", "alone"], ...others.map((key) => [key, `over ${title(key)}`])], second, (key) => score.change(key ? [first, key] : [first])) : null];
}

function legend({ keys, known, unit, live }, parts) {
  const names = ["first", "rest"].map((part) => [part, [...new Set(keys.map((key) => partOf(known.get(key).entry, { part })).filter(Boolean))].join(", ")]);
  return h("ul.legend", {}, names.map(([part, name]) => (name ? h("li", {}, h(`i.dot.${hueOf({ part })}`), name) : null)),
    keys.some((key) => !known.get(key).entry.parts) ? h("li", {}, h("i.dot.plain"), parts ? "no parts" : "a feature") : null,
    h("li", {}, h("b", {}, "8.4"), `mean length of a run, in ${unit}s`), live ? null : h("li", {}, h("i.dashes"), "the active features change"));
}

/** Each roll as tall as its rows, within what the window has room for. */
export function size(score) {
  const room = Math.max(330, innerHeight - (score.live ? 420 : 300)) / score.rolls.length;
  for (const roll of score.rolls) {
    const rows = Math.min(Math.max(12, roll.rows.length || score.state.rows), Math.floor((room / roll.scale - roll.top - AXIS) / ROW));
    roll.canvas.style.height = `${(roll.top + AXIS + Math.max(8, rows) * ROW) * roll.scale}px`;
  }
  score.draw();
}
