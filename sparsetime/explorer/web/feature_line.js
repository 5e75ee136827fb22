// One feature in a list: number, name, dwell, density, and a column or a split where one is shown.

import { columnValue } from "./column_ranges.js";
import { allWords, featureAddress, h, hueOf, nameOf, percent, plural, short } from "./dom.js";
import { lasting, sequenceName } from "./durations.js";

/**
 * @param {string} key
 * @param {Api.FeatureLine} line
 * @param {import("./durations.js").StepUnit} run
 * @param {string} [column] of a feature table, whose value is shown
 * @param {string[]} [values] of a label, for each of which the line holds a density
 */
export const featureLine = (key, line, run, column, values = []) =>
  h(
    `a.line.${hueOf(line)}`,
    { href: featureAddress(key, line.feature) },
    h("span.id", {}, line.feature),
    h(
      "span.name",
      { dir: "auto", title: allWords(line) },
      columnFact(line, column),
      splitBars(line, values),
      line.starred ? "★ " : "",
      nameOf(line, 5),
    ),
    h("span.fact", { title: "mean length of a run" }, lasting(line.dwell, run)),
    h("span.fact", { title: `share of the indexed ${run.unit}s` }, percent(line.density)),
    h("span.fact.wide", {}, plural(line.documents, sequenceName(run))),
  );

/**
 * The value of a column, with its name in a tooltip; null without a column.
 * @param {Api.FeatureLine} line
 * @param {string | undefined} column
 */
function columnFact(line, column) {
  if (!column) return null;
  const value = columnValue(line, column);
  return h("span.value", { title: column }, typeof value === "number" ? short(value) : "–");
}

/**
 * A bar for the density in recordings of each value, the largest full; null without a split.
 * @param {Api.FeatureLine} line
 * @param {string[]} values
 */
export function splitBars({ split }, values) {
  if (!values.length) return null;
  const top = Math.max(...split, 1e-12);
  const bars = values.map((value, i) => {
    const bar = h("i", { title: `${value}: ${percent(split[i])}` });
    bar.style.setProperty("--share", String(split[i] / top));
    return bar;
  });
  const text = values.map((value, i) => `${value} ${percent(split[i])}`).join(", ");
  return h("span.split-bars", { "aria-label": text, role: "img" }, bars);
}
