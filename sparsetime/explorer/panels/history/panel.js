// History of a feature over the training: four small lines, and its top words at each snapshot.

import { h, node, percent, plural, short } from "../../web/dom.js";

const WIDE = 300, TALL = 112, LEFT = 34, RIGHT = 290, TOP = 8, FLOOR = 90;
const FEW = 20; // moments, below which a figure says little

/** How to get snapshots, where there are none. */
const noHistory = () => h("section.side.history", {}, h("div.section-head", {}, h("h2", {}, "History")),
  h("p.count", {}, "No snapshots of the dictionary were kept while it was trained, or it was indexed without them. Train with ", h("code", {}, "snapshots=6"),
    " (", h("code", {}, "--set snapshots=6"), " on the command line) and index again; its history is then drawn here."));

/** Beside the other panels where there are no snapshots. */
export const place = ({ feature }) => (feature.history ? "wide" : "aside");

export default ({ feature, unit }) => (feature.history ? historyOf(feature.history, unit) : noHistory());

/** `history` is a record of the API; `unit` what a step of the store is called. */
function historyOf(history, unit) {
  const head = (...more) => h("section.history", {}, h("div.section-head", {}, h("h2", {}, "History")), more);
  const { stages, looked_at: steps } = history, last = stages.at(-1), seen = Math.round(last.density * steps);
  const kinds = [
    ["Cosine with its final atom", "cosine", (v) => v.toFixed(2), [0, 1]],
    ["Overlap with where it fires at the end", "overlap", percent, [0, 1]],
    [`Density: share of ${unit}s`, "density", percent, null],
    [`Mean dwell, ${unit}s`, "dwell", short, null],
  ];
  const lines = kinds.map((kind) => line(stages, kind, (at) => choose(at)));
  const reads = stages.some((stage) => stage.words.length);
  const rows = stages.map((stage, i) => h("tr", { pointerenter: () => choose(i), pointerleave: () => choose(null) },
    h("th", { scope: "row" }, stage === last ? `${short(stage.rows)}, the end` : short(stage.rows)),
    kinds.map(([, name, format]) => h("td", {}, stage[name] === null ? "–" : format(stage[name]))),
    reads ? h("td.words", { dir: "auto" }, stage.words.join(", ") || "–") : null));
  const table = h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, ["rows seen", "atom", "overlap", "density", "dwell", ...(reads ? ["top words"] : [])]
    .map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows)));
  function choose(at) {
    lines.forEach((each) => each.mark(at));
    rows.forEach((row, i) => row.classList.toggle("chosen", i === at));
  }
  return head(
    h("p.count", {}, `${plural(stages.length, "snapshot")} of the training, all measured on the same ${plural(steps, unit)}; rows seen are spaced as their logarithm. `,
      seen >= FEW ? "" : seen ? `At the end it fires on only ${seen} of them, and so few say little.` : "At the end it fires on none of them."),
    h("div.growth", {}, h("div.grown", {}, lines.map((each) => each.figure)), table));
}

/** One figure over rows, which can be read off by mouse or arrow keys: `choose` hears of the stage. */
function line(stages, [title, name, format, known], choose) {
  const values = stages.map((stage) => stage[name]), there = values.filter((v) => v !== null);
  const [low, high] = known ? [Math.min(known[0], ...there), known[1]] : [0, Math.max(1e-12, ...there)];
  const [from, to] = [Math.log(stages[0].rows), Math.log(stages.at(-1).rows)];
  const x = (rows) => LEFT + ((Math.log(rows) - from) / (to - from || 1)) * (RIGHT - LEFT);
  const y = (value) => FLOOR - ((value - low) / (high - low)) * (FLOOR - TOP);
  const summary = there.length ? `${format(there[0])} at first, ${format(there.at(-1))} at the end` : "never known";
  const svg = node("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "histogram grows", role: "img", tabindex: 0, "aria-label": `${title}, over the rows seen: ${summary}. Arrow keys read it off.` });
  for (const value of [low, high]) {
    svg.append(node("path", { class: "level", d: `M${LEFT} ${y(value)}H${RIGHT}` }), node("text", { x: LEFT - 5, y: y(value) + 3, "text-anchor": "end" }, there.length ? format(value) : ""));
  }
  for (const rows of decades(stages)) svg.append(node("text", { x: x(rows), y: TALL - 8, "text-anchor": "middle" }, short(rows)));
  const mark = node("path", { class: "mark", d: `M0 ${TOP}V${FLOOR}`, visibility: "hidden" });
  svg.append(mark);
  let path = "";
  values.forEach((value, i) => { if (value !== null) path += `${i && values[i - 1] !== null ? "L" : "M"}${x(stages[i].rows).toFixed(1)} ${y(value).toFixed(1)}`; });
  svg.append(node("path", { class: "course", d: path || "M0 0" }));
  const dots = values.map((value, i) => value === null ? null : node("circle", { cx: x(stages[i].rows), cy: y(value), r: 2.6 }));
  svg.append(...dots.filter(Boolean));
  const note = h("output.range");
  let chosen = null;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), place = ((event.clientX - box.left) / box.width) * WIDE;
    const away = stages.map((stage) => Math.abs(x(stage.rows) - place));
    choose(away.indexOf(Math.min(...away)));
  });
  svg.addEventListener("pointerleave", () => choose(null));
  svg.addEventListener("blur", () => choose(null));
  svg.addEventListener("keydown", (event) => {
    const end = stages.length - 1, here = chosen ?? (event.key === "ArrowRight" ? -1 : end + 1);
    const to = { ArrowLeft: Math.max(0, here - 1), ArrowRight: Math.min(end, here + 1), Home: 0, End: end, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
  return {
    figure: h("figure.spread", {}, h("figcaption", {}, h("b", {}, title), note), svg),
    mark(at) {
      chosen = at;
      mark.setAttribute("visibility", at === null ? "hidden" : "visible");
      dots.forEach((dot, i) => dot?.setAttribute("r", i === at ? 4.4 : 2.6));
      note.textContent = at === null ? "" : `${values[at] === null ? "–" : format(values[at])} at ${short(stages[at].rows)}`;
      if (at !== null) mark.setAttribute("d", `M${x(stages[at].rows)} ${TOP}V${FLOOR}`);
    },
  };
}

/** Powers of ten between the first and the last moment; those two where there are not even two. */
function decades(stages) {
  const [from, to] = [stages[0].rows, stages.at(-1).rows], found = [];
  for (let power = 10 ** Math.ceil(Math.log10(from)); power <= to; power *= 10) found.push(power);
  return found.length > 1 ? found : [from, to];
}
