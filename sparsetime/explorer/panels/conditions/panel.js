// Firing rates of a feature in every recording, by the values of a label, and comparisons of two.

import { dropdown, h, messageOf, node, percent, plural, short } from "../../web/dom.js";
import { sequenceName } from "../../web/durations.js";

const WIDTH = 640;
const LEFT = 4;
const ROW = 30;
const FEWEST = 2; // recordings of a value, without which there is nothing to see

/** @type {PanelModule["default"]} */
export default async function conditions(page) {
  try {
    const { splits, comparisons } = await page.answer("conditions");
    const shown = splits.filter(({ values }) => values.some((one) => one.recordings >= FEWEST));
    return shown.length ? section(shown, comparisons, page) : null;
  } catch (error) {
    return h("section.side", {}, h("h2", {}, "Conditions"), h("p.count", {}, messageOf(error)));
  }
}

/**
 * @param {Api.ConditionSplit[]} splits
 * @param {Api.ConditionComparison[]} comparisons
 * @param {PanelPage} page
 */
function section(splits, comparisons, { run }) {
  const name = sequenceName(run);
  const place = h("div.strips");
  const show = (/** @type {string} */ label) => {
    const chosen = splits.find((split) => split.label === label) ?? splits[0];
    place.replaceChildren(strips(chosen, name));
  };
  show(splits[0].label);
  /** @type {[string, string][]} */
  const names = splits.map(({ label }) => [label, `by ${label}`]);
  const choice = splits.length > 1 ? dropdown("Label", names, splits[0].label, show) : null;
  const note = `Share of steps on which it is active. A dot is a ${name} (up to 200 of a value), a line the mean over all.`;
  return h(
    "section.labels",
    {},
    h(
      "div.section-head.choice",
      {},
      h(
        "div",
        {},
        h("h2", {}, `By ${splits.length > 1 ? "label" : splits[0].label}`),
        h("p", {}, note),
      ),
      choice,
    ),
    place,
    comparisons.map(comparison),
  );
}

/** @param {Api.ConditionComparison} comparison */
function comparison({ title, difference, low, high, q }) {
  const sign = (/** @type {number | null} */ value) =>
    value === null ? "–" : `${value > 0 ? "+" : ""}${value.toFixed(3)}`;
  const interval = `${sign(difference)} (95% ${sign(low)} to ${sign(high)})`;
  const sure = q === null ? "not tested" : `q ${q < 0.001 ? "< 0.001" : short(q)}`;
  return h("p.count", {}, h("b", {}, title), `: difference of rates ${interval}, ${sure}`);
}

/**
 * A row of dots for each value, on one axis from 0 to the largest rate.
 * @param {Api.ConditionSplit} split
 * @param {string} name what one recording is called
 */
function strips({ label, values, of_values }, name) {
  const top = Math.max(...values.flatMap(({ rates }) => rates), 1e-12);
  const x = (/** @type {number} */ rate) => LEFT + (rate / top) * (WIDTH - 2 * LEFT);
  const rows = values.map(({ value, recordings, mean, rates, names }) => {
    const svg = node("svg", {
      viewBox: `0 0 ${WIDTH} ${ROW}`,
      class: "strip",
      role: "img",
      "aria-label": `${label} ${value}: mean ${percent(mean)} over ${plural(recordings, name)}`,
    });
    svg.append(node("path", { class: "axis", d: `M0 ${ROW / 2}H${WIDTH}` }));
    rates.forEach((rate, i) => {
      // Neighbours are set apart, so that equal rates are seen.
      const dot = node("circle", { cx: x(rate), cy: ROW / 2 + ((i % 5) - 2) * 3, r: 3.4 });
      dot.append(node("title", {}, `${names[i]}: ${percent(rate)}`));
      svg.append(dot);
    });
    svg.append(node("path", { class: "mean", d: `M${x(mean)} 2V${ROW - 2}` }));
    return h(
      "div",
      {},
      h("span", { dir: "auto", title: plural(recordings, name) }, value),
      svg,
      h("b", {}, percent(mean)),
    );
  });
  const scale = h(
    "div.scale",
    {},
    h("span"),
    h("p.count", {}, h("span", {}, "0"), h("span", {}, percent(top))),
    h("b"),
  );
  const drawn = `The first ${values.length} of ${of_values} values are drawn.`;
  const rest = of_values > values.length ? h("p.count", {}, drawn) : null;
  return h("figure", {}, rows, scale, rest);
}
