// A feature around the onsets of events: its average against shifted onsets, and single onsets.

import { dropdown, h, messageOf, node, percent, plural, short } from "../../web/dom.js";
import { inTimeUnit, lasting, timeUnit } from "../../web/durations.js";

const WIDTH = 520;
const HEIGHT = 170;
const LEFT = 40;
const RIGHT = 512;
const TOP = 10;
const FLOOR = 148;
const CELL = 7; // height of one onset
const SURE = 1.96; // standard deviations of the null

/** @type {PanelModule["default"]} */
export default async function periEvent(page) {
  try {
    const view = await page.answer("peri_event");
    return view.averages.length ? section(view, page) : null;
  } catch (error) {
    return h("section.side", {}, h("h2", {}, "Around events"), h("p.count", {}, messageOf(error)));
  }
}

/**
 * @param {Api.PeriEventView} view
 * @param {PanelPage} page
 */
function section(view, page) {
  const { averages, of_types } = view;
  const some =
    of_types > averages.length
      ? ` ${averages.length} of ${of_types} types of events, the least p first.`
      : "";
  const place = h("div.growth");
  const show = (/** @type {string} */ type) => {
    const chosen = averages.find((average) => average.type === type) ?? averages[0];
    place.replaceChildren(curve(chosen, view, page), onsets(chosen, view, page));
  };
  show(averages[0].type);
  /** @type {[string, string][]} */
  const types = averages.map(({ type, q }) => [
    type,
    `${type}${q !== null && q <= 0.05 ? " ●" : ""}`,
  ]);
  return h(
    "section.labels.events",
    {},
    h(
      "div.section-head.choice",
      {},
      h(
        "div",
        {},
        h("h2", {}, "Around events"),
        h(
          "p",
          {},
          `Share of onsets at which it is active. Grey: 95% of rates around shifted onsets. ● q ≤ 0.05.${some}`,
        ),
      ),
      dropdown("Event", types, averages[0].type, show),
    ),
    place,
  );
}

/**
 * The rate at every lag, with the band of the null, the onset and the latency.
 * @param {Api.EventAverage} average
 * @param {Api.PeriEventView} window
 * @param {PanelPage} page
 */
function curve(average, { before, after }, { run }) {
  const { type, events, curve: rates, null_rate, null_sd, latency, q, baseline, peak } = average;
  const band = [Math.max(0, null_rate - SURE * null_sd), null_rate + SURE * null_sd];
  const top = Math.max(...rates.map((rate) => rate ?? 0), band[1], 1e-12);
  const x = lagAxis(before, after);
  const y = (/** @type {number} */ rate) => FLOOR - (rate / top) * (FLOOR - TOP);
  const sure = q !== null && q <= 0.05;
  const time = `${inTimeUnit(latency, run)} ${timeUnit(run)}`;
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "histogram peri",
    role: "img",
    "aria-label": `Rate around ${type}: baseline ${percent(baseline)}, peak ${percent(peak)}, latency ${time}`,
  });
  const height = y(band[0]) - y(band[1]);
  const shade = { class: "null", x: LEFT, y: y(band[1]), width: RIGHT - LEFT, height };
  svg.append(node("rect", shade));
  svg.append(node("path", { class: "axis", d: `M${LEFT} ${FLOOR + 0.5}H${RIGHT}` }));
  svg.append(node("path", { class: "onset", d: `M${x(0)} ${TOP - 6}V${FLOOR}` }));
  let path = "";
  rates.forEach((rate, i) => {
    if (rate === null) return;
    const joined = i && rates[i - 1] !== null;
    path += `${joined ? "L" : "M"}${x(i - before).toFixed(1)} ${y(rate).toFixed(1)}`;
  });
  svg.append(node("path", { class: "course", d: path || "M0 0" }));
  if (sure) svg.append(node("path", { class: "latency", d: `M${x(latency)} ${TOP}V${FLOOR}` }));
  for (const rate of [0, top]) {
    svg.append(node("text", { x: LEFT - 5, y: y(rate) + 3, "text-anchor": "end" }, percent(rate)));
  }
  svg.append(...ticks(before, after, run));
  const facts = [
    [percent(baseline), "baseline"],
    [percent(peak), "peak"],
    [sure ? lasting(latency, run) : "–", "latency"],
    [sure ? lasting(average.duration, run) : "–", "lasts"],
    [q === null ? "–" : q < 0.001 ? "< 0.001" : short(q), "q"],
  ];
  return h(
    "figure.spread",
    {},
    h("figcaption", {}, h("b", {}, `${type}: ${plural(events, "onset")}`)),
    svg,
    h(
      "dl.facts",
      {},
      facts.map(([value, name]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
  );
}

/**
 * Activations around single onsets, a row each; a click opens the timeline there.
 * @param {Api.EventAverage} average
 * @param {Api.PeriEventView} window
 * @param {PanelPage} page
 */
function onsets({ onsets: rows, type }, { before, after }, { key, number, run }) {
  const x = lagAxis(before, after);
  const width = (RIGHT - LEFT) / (before + after + 1);
  const height = rows.length * CELL + 22;
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`,
    class: "histogram peri raster",
    role: "img",
    "aria-label": `Activations around ${plural(rows.length, "onset")} of ${type}`,
  });
  svg.append(node("path", { class: "onset", d: `M${x(0)} 0V${rows.length * CELL}` }));
  rows.forEach(({ sequence, step, name, percent: values }, row) => {
    const dictionary = encodeURIComponent(key);
    const span = `from=${Math.max(0, step - before)}&to=${step + after}`;
    const href = `/timeline?d=${dictionary}&s=${sequence}&${span}&pins=${dictionary}:${number}`;
    const anchor = h("a", { href });
    const link = node("a", { href: anchor.getAttribute("href") ?? "#" });
    link.append(node("title", {}, `${name}, ${run.unit} ${step}`));
    link.append(
      node("rect", { class: "row", x: LEFT, y: row * CELL, width: RIGHT - LEFT, height: CELL }),
    );
    values.forEach((value, i) => {
      if (value <= 0) return;
      const cell = { x: x(i - before) - width / 2, y: row * CELL + 0.5, width, height: CELL - 1 };
      link.append(node("rect", { ...cell, opacity: 0.25 + (0.75 * value) / 100 }));
    });
    svg.append(link);
  });
  svg.append(...ticks(before, after, run, rows.length * CELL + 14));
  const title = `Single onsets of ${type}, spread over the recordings`;
  return h("figure.spread", {}, h("figcaption", {}, h("b", {}, title)), svg);
}

/**
 * @param {number} before
 * @param {number} after
 */
const lagAxis = (before, after) => (/** @type {number} */ lag) =>
  LEFT + ((lag + before + 0.5) / (before + after + 1)) * (RIGHT - LEFT);

/**
 * The first lag, the onset and the last lag in the data's unit of time.
 * @param {number} before
 * @param {number} after
 * @param {Api.Overview} run
 */
function ticks(before, after, run, y = HEIGHT - 6) {
  const x = lagAxis(before, after);
  return [-before, 0, after].map((lag) =>
    node(
      "text",
      { x: x(lag), y, "text-anchor": lag === after ? "end" : lag ? "start" : "middle" },
      lag ? `${lag > 0 ? "+" : "−"}${inTimeUnit(Math.abs(lag), run)} ${timeUnit(run)}` : "onset",
    ),
  );
}
