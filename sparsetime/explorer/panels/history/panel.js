// History of a feature over the training: four small line charts, and its top words at each snapshot.

import { h, node, percent, plural, short } from "../../web/dom.js";
import { axisUnit, inTimeUnit } from "../../web/durations.js";

const WIDTH = 300;
const HEIGHT = 112;
const LEFT = 34;
const RIGHT = 290;
const TOP = 8;
const FLOOR = 90;
const FEW = 20; // steps, below which a value says little

/**
 * @typedef {object} Quantity one measured over the training
 * @property {string} title
 * @property {"cosine" | "overlap" | "density" | "dwell"} name
 * @property {(value: number) => string} format
 * @property {[number, number] | null} range null where the values say it
 */

/**
 * Beside the other panels where there are no snapshots.
 * @type {NonNullable<PanelModule["place"]>}
 */
export const place = ({ feature }) => (feature.history ? "wide" : "aside");

/** @type {PanelModule["default"]} */
export default ({ feature, run }) =>
  feature.history ? historyOf(feature.history, run) : noHistory();

/** How to get snapshots, where there are none. */
function noHistory() {
  const note = h(
    "p.count",
    {},
    "No snapshots of the dictionary were kept while it was trained, or it was indexed without them. Train with ",
    h("code", {}, "snapshots=6"),
    " (",
    h("code", {}, "--set snapshots=6"),
    " on the command line) and index again; its history is then drawn here.",
  );
  const head = h("div.section-head", {}, h("h2", {}, "History"));
  return h("section.side.history", {}, head, note);
}

/**
 * @param {Api.History} history
 * @param {Api.Overview} run
 */
function historyOf({ stages, looked_at }, run) {
  const { unit } = run;
  const last = stages[stages.length - 1];
  /** @type {Quantity[]} */
  const quantities = [
    {
      title: "Cosine with its final atom",
      name: "cosine",
      format: (value) => value.toFixed(2),
      range: [0, 1],
    },
    {
      title: "Overlap with where it fires at the end",
      name: "overlap",
      format: percent,
      range: [0, 1],
    },
    { title: `Density: share of ${unit}s`, name: "density", format: percent, range: null },
    {
      title: `Mean dwell, ${axisUnit(run)}`,
      name: "dwell",
      format: (value) => inTimeUnit(value, run),
      range: null,
    },
  ];
  const charts = quantities.map((quantity) => lineChart(stages, quantity, (i) => choose(i)));
  const reads = stages.some((stage) => stage.words.length);
  const rows = stages.map((stage, i) => {
    const seen = stage === last ? `${short(stage.rows)}, the end` : short(stage.rows);
    const values = quantities.map(({ name, format }) => {
      const value = stage[name];
      return h("td", {}, value === null ? "–" : format(value));
    });
    const words = h("td.words", { dir: "auto" }, stage.words.join(", ") || "–");
    return h(
      "tr",
      { pointerenter: () => choose(i), pointerleave: () => choose(null) },
      h("th", { scope: "row" }, seen),
      values,
      reads ? words : null,
    );
  });

  /** @param {number | null} stage */
  function choose(stage) {
    for (const chart of charts) chart.mark(stage);
    rows.forEach((row, i) => {
      row.classList.toggle("chosen", i === stage);
    });
  }

  const names = [
    "rows seen",
    "atom",
    "overlap",
    "density",
    "dwell",
    ...(reads ? ["top words"] : []),
  ];
  const titles = names.map((name) => h("th", { scope: "col" }, name));
  const table = h("table", {}, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows));
  const count = Math.round(last.density * looked_at);
  const few = count
    ? `At the end it fires on only ${count} of them, and so few say little.`
    : "At the end it fires on none of them.";
  const note = `${plural(stages.length, "snapshot")} of the training, all measured on the same ${plural(looked_at, unit)}; rows seen are spaced as their logarithm. `;
  const figures = charts.map((chart) => chart.figure);
  return h(
    "section.history",
    {},
    h("div.section-head", {}, h("h2", {}, "History")),
    h("p.count", {}, note, count >= FEW ? "" : few),
    h("div.growth", {}, h("div.grown", {}, figures), h("div.scroll", {}, table)),
  );
}

/**
 * One quantity over the rows seen, on a logarithmic axis, read off by pointer or arrow keys.
 * @param {Api.Stage[]} stages
 * @param {Quantity} quantity
 * @param {(stage: number | null) => void} choose called with the stage under the pointer
 */
function lineChart(stages, { title, name, format, range }, choose) {
  const values = stages.map((stage) => stage[name]);
  const measured = values.filter((value) => value !== null);
  const low = range ? Math.min(range[0], ...measured) : 0;
  const high = range ? range[1] : Math.max(1e-12, ...measured);
  const [from, to] = [Math.log(stages[0].rows), Math.log(stages[stages.length - 1].rows)];
  const x = (/** @type {number} */ rows) =>
    LEFT + ((Math.log(rows) - from) / (to - from || 1)) * (RIGHT - LEFT);
  const y = (/** @type {number} */ value) => FLOOR - ((value - low) / (high - low)) * (FLOOR - TOP);
  const ends = measured.length
    ? `${format(measured[0])} at first, ${format(measured[measured.length - 1])} at the end`
    : "never known";
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "histogram grows",
    role: "img",
    tabindex: 0,
    "aria-label": `${title}, over the rows seen: ${ends}. Arrow keys read it off.`,
  });
  for (const value of [low, high]) {
    const place = { x: LEFT - 5, y: y(value) + 3, "text-anchor": "end" };
    svg.append(
      node("path", { class: "level", d: `M${LEFT} ${y(value)}H${RIGHT}` }),
      node("text", place, measured.length ? format(value) : ""),
    );
  }
  for (const rows of decades(stages)) {
    svg.append(node("text", { x: x(rows), y: HEIGHT - 8, "text-anchor": "middle" }, short(rows)));
  }
  const marker = node("path", { class: "mark", d: `M0 ${TOP}V${FLOOR}`, visibility: "hidden" });
  let path = "";
  const dots = values.map((value, i) => {
    if (value === null) return null; // the line is broken there
    const [cx, cy] = [x(stages[i].rows), y(value)];
    path += `${i && values[i - 1] !== null ? "L" : "M"}${cx.toFixed(1)} ${cy.toFixed(1)}`;
    return node("circle", { cx, cy, r: 2.6 });
  });
  svg.append(marker, node("path", { class: "course", d: path || "M0 0" }));
  svg.append(...dots.filter((dot) => dot !== null));

  const note = h("output.range");
  /** @type {number | null} */
  let chosen = null;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    const distances = stages.map((stage) => Math.abs(x(stage.rows) - place));
    choose(distances.indexOf(Math.min(...distances)));
  });
  svg.addEventListener("pointerleave", () => choose(null));
  svg.addEventListener("blur", () => choose(null));
  svg.addEventListener("keydown", (event) => {
    const stage = stageByKey(event.key, chosen, stages.length - 1);
    if (stage === undefined) return;
    event.preventDefault();
    choose(stage);
  });
  const mark = (/** @type {number | null} */ stage) => {
    chosen = stage;
    marker.setAttribute("visibility", stage === null ? "hidden" : "visible");
    dots.forEach((dot, i) => {
      dot?.setAttribute("r", i === stage ? "4.4" : "2.6");
    });
    if (stage === null) {
      note.textContent = "";
      return;
    }
    const { rows } = stages[stage];
    const value = values[stage];
    note.textContent = `${value === null ? "–" : format(value)} at ${short(rows)}`;
    marker.setAttribute("d", `M${x(rows)} ${TOP}V${FLOOR}`);
  };
  return {
    figure: h("figure.spread", {}, h("figcaption", {}, h("b", {}, title), note), svg),
    mark,
  };
}

/**
 * The stage that a key chooses: null for none, undefined for a key without a meaning.
 * @param {string} key
 * @param {number | null} chosen
 * @param {number} last
 * @returns {number | null | undefined}
 */
function stageByKey(key, chosen, last) {
  if (key === "ArrowRight") return Math.min(last, (chosen ?? -1) + 1);
  if (key === "ArrowLeft") return Math.max(0, (chosen ?? last + 1) - 1);
  if (key === "Home") return 0;
  if (key === "End") return last;
  return key === "Escape" ? null : undefined;
}

/**
 * Powers of ten between the first and the last stage; those two where there are fewer than two.
 * @param {Pick<Api.Stage, "rows">[]} stages
 */
export function decades(stages) {
  const [from, to] = [stages[0].rows, stages[stages.length - 1].rows];
  const powers = [];
  for (let power = 10 ** Math.ceil(Math.log10(from)); power <= to; power *= 10) powers.push(power);
  return powers.length > 1 ? powers : [from, to];
}
