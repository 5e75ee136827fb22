// Every metric of every dictionary: the value, its 95% interval, and the value of its null.

import { ask } from "../../web/api.js";
import { empty, h } from "../../web/dom.js";

const LEAD =
  "What was measured of each dictionary, beside the same measurement where there is nothing to find.";
const HOW =
  "Evaluate one with sparsetime evaluate … --out and the folder of the dictionary, such as runs/x/topk; sparsetime.metrics.save_scores adds what needs more than a store.";

/** @type {View} */
export default async function evaluationView(at) {
  const answer = await ask("evaluation");
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Evaluation"), h("p.lead", {}, LEAD))));
  if (!answer.sections.length) {
    at.append(empty("No dictionary was evaluated", HOW));
    return null;
  }
  const notes = [...answer.notes, "Dot: the value; line: its 95% interval; tick: the null."];
  at.append(h("p.count", {}, notes.join(" ")), h("div.evaluation", {}, ...sections(answer)));
  return null;
}

/** @param {Api.EvaluationView} answer */
function sections({ sections, titles }) {
  return sections.map(({ title, rows }) =>
    h(
      "section",
      {},
      h("h2", {}, title),
      h(
        "div.scroll",
        {},
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th"),
              titles.map((name) => h("th", { scope: "col" }, name)),
            ),
          ),
          h("tbody", {}, rows.map(metric)),
        ),
      ),
    ),
  );
}

/** @param {Api.ScoreRow} row */
function metric(row) {
  const bounds = extent(row.cells);
  const about = [
    row.definition,
    row.equation,
    row.range && `Range: ${row.range}.`,
    row.null_is && `Null: ${row.null_is}.`,
    row.blind_to && `It does not show ${row.blind_to}.`,
    row.source && `Source: ${row.source}.`,
  ].filter(Boolean);
  const name = about.length
    ? h(
        "details",
        {},
        h("summary", {}, row.label),
        about.map((text) => h("p", {}, text)),
      )
    : row.label;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    row.cells.map((cell) => h("td", {}, cell ? value(cell, bounds) : "–")),
  );
}

/**
 * The least and the largest number of a row, with 0: cells of one row share their scale.
 * @param {(Api.ScoreCell | null)[]} cells
 * @returns {[number, number]}
 */
export function extent(cells) {
  const numbers = cells
    .flatMap((cell) => (cell ? [cell.value, cell.low, cell.high, cell.null] : []))
    .filter((number) => number !== null);
  return [Math.min(0, ...numbers), Math.max(0, ...numbers)];
}

/**
 * @param {Api.ScoreCell} cell
 * @param {[number, number]} bounds
 */
function value({ text, value, low, high, null: nothing }, [least, most]) {
  if (value === null) return h("span.soft", {}, text);
  const place = (/** @type {number} */ number) =>
    `${(100 * (number - least)) / (most - least || 1)}%`;
  const mark = h(
    "span.judged-mark",
    { "aria-hidden": "true" },
    h("i"),
    nothing === null ? null : h("u"),
    h("b"),
  );
  mark.style.setProperty("--low", place(low ?? value));
  mark.style.setProperty("--high", place(high ?? value));
  mark.style.setProperty("--own", place(value));
  if (nothing !== null) mark.style.setProperty("--null", place(nothing));
  return h(
    "div.score",
    { title: inWords({ low, high, null: nothing }) },
    h("span", {}, text),
    mark,
  );
}

/**
 * Interval and null of a cell, for those who do not see the mark.
 * @param {{ low: number | null, high: number | null, null: number | null }} cell
 */
export function inWords({ low, high, null: nothing }) {
  const short = (/** @type {number} */ number) => String(Number(number.toPrecision(3)));
  return [
    low !== null && high !== null ? `95% interval ${short(low)} to ${short(high)}` : "",
    nothing === null ? "" : `null ${short(nothing)}`,
  ]
    .filter(Boolean)
    .join("; ");
}
