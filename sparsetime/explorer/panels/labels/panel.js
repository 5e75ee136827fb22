// Labels that a feature detects: scores on recordings that chose nothing, and the tuning curve.

import { h, messageOf, percent, short } from "../../web/dom.js";
import { histogram } from "../../web/histogram.js";

const RATE = "share of steps on which it is active";

/** @type {PanelModule["default"]} */
export default async function labels(page) {
  try {
    const answer = await page.answer("labels");
    return answer.scores.length ? section(answer, page.hue) : null;
  } catch (error) {
    return h("section.side", {}, h("h2", {}, "Labels"), h("p.count", {}, messageOf(error)));
  }
}

/**
 * @param {Api.LabelScores} answer
 * @param {Hue} hue
 */
function section({ halves, measured_on, draws, scores, of_scores }, hue) {
  const curve = h("div.tuning");
  const rows = scores.map((score, i) =>
    h(
      "tr",
      { tabindex: 0, focus: () => choose(i), pointerenter: () => choose(i) },
      h("th", { scope: "row", dir: "auto", title: chosenAs(score) }, score.name),
      numbers(score),
    ),
  );
  function choose(/** @type {number} */ chosen) {
    rows.forEach((row, i) => {
      row.classList.toggle("chosen", i === chosen);
    });
    curve.replaceChildren(tuning(scores[chosen], hue));
  }
  choose(0);
  const names = scores[0].baselines.map(({ name }) => name);
  const some =
    of_scores > scores.length ? ` The best ${scores.length} of ${of_scores} are listed.` : "";
  const data = measured_on ? ` Measured on ${measured_on}.` : "";
  const note = `${sentence(halves)}.${data} The null exchanges each label among recordings, ${draws} times.${some}`;
  return h(
    "section.labels",
    {},
    h("div.section-head", {}, h("h2", {}, "Labels it detects"), h("p", {}, note)),
    h(
      "div.growth",
      {},
      h("div.scroll", {}, h("table", {}, h("thead", {}, heads(names)), h("tbody", {}, rows))),
      curve,
    ),
  );
}

/** @param {string[]} baselines */
function heads(baselines) {
  const head = (/** @type {string} */ name, /** @type {string} */ definition) =>
    h("th", { scope: "col" }, h("abbr", { title: definition }, name));
  return h(
    "tr",
    {},
    h("th", { scope: "col" }, "label"),
    head("precision", "share of detections that have the value"),
    head("recall", "share of steps with the value that are detected"),
    head("AUROC", "area under the ROC curve of its activation; of the null in brackets"),
    head("q", "false-discovery rate over all features"),
    baselines.map((name) =>
      head(
        name === "raw" ? "best raw dimension" : `best of ${name}`,
        `precision / recall of the best single detector in ${baselineName(name)}`,
      ),
    ),
  );
}

const baselineName = (/** @type {string} */ name) =>
  name === "raw"
    ? "the raw activations"
    : name === "input"
      ? "the input: its means and deviations over a row"
      : `the baseline "${name}"`;

/** @param {Api.LabelScore} score */
function numbers({ precision, recall, auroc, null_auroc, q, baselines }) {
  const nothing = null_auroc === null ? "" : ` (${null_auroc.toFixed(2)})`;
  return [
    h("td.value", {}, precision.toFixed(2)),
    h("td.value", {}, recall.toFixed(2)),
    h("td", {}, h("b", {}, auroc.toFixed(2)), nothing),
    h("td", {}, q === null ? "–" : q < 0.001 ? "< 0.001" : short(q)),
    baselines.map((other) => h("td", {}, `${two(other.precision)} / ${two(other.recall)}`)),
  ];
}

const two = (/** @type {number | null} */ value) => (value === null ? "–" : value.toFixed(2));

const sentence = (/** @type {string} */ text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {Api.LabelScore} score */
const chosenAs = ({ threshold, base }) =>
  `active at ${short(threshold)} or more; ${percent(base)} of steps have the value`;

/**
 * The rate at every value: bins in order, or the categories with the highest rates.
 * @param {Api.LabelScore} score
 * @param {Hue} hue
 */
function tuning({ label, edges, tuning: values }, hue) {
  if (!values.length) return h("p.count", {}, `${label} has too many values for a tuning curve.`);
  if (edges) return ranges(label, edges, values, hue);
  const top = Math.max(...values.map(({ rate }) => rate), 1e-12);
  const bars = values.map(({ value, rate, detected }) => {
    const bar = h("i");
    bar.style.setProperty("--share", String(rate / top));
    return h(
      detected ? "li.detected" : "li",
      { title: `${value}: ${percent(rate)} of its steps` },
      h("span", { dir: "auto" }, value),
      bar,
      h("b", {}, percent(rate)),
    );
  });
  return h(
    "figure.spread",
    {},
    h("figcaption", {}, h("b", {}, `Tuning: ${RATE}, by ${label}`)),
    h("ul.bars", {}, bars),
  );
}

/**
 * @param {string} label
 * @param {number[]} edges
 * @param {Api.TuningValue[]} values
 * @param {Hue} hue
 */
function ranges(label, edges, values, hue) {
  const low = values.findIndex(({ detected }) => detected);
  const high = values.findLastIndex(({ detected }) => detected);
  return histogram({
    title: `Tuning: ${RATE}, by ${label}`,
    unit: "",
    edges,
    counts: values.map(({ rate }) => rate),
    root: false,
    hue,
    chosen: low < 0 ? null : [edges[low], edges[high + 1]],
  });
}
