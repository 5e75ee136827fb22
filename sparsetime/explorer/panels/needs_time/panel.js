// How much of a feature's activation changes when steps of the input change places, and its nulls.

import { h, percent } from "../../web/dom.js";

const BARS = /** @type {const} */ ([
  ["needs_time", "out of order", "in the order of time, against a random order"],
  ["needs_time_of_orders", "two orders", "between two random orders"],
]);

/** @type {PanelModule["default"]} */
export default function needsTime({ feature }) {
  const columns = /** @type {{[name: string]: unknown}} */ (feature.line.columns);
  if (typeof columns.needs_time !== "number") return null;
  const bars = BARS.map(([name, short, long]) => {
    const share = Number(columns[name] ?? 0);
    const bar = h("i");
    bar.style.setProperty("--share", String(share));
    return h("li", { title: long }, h("span", {}, short), bar, h("b", {}, percent(share)));
  });
  const rank = columns.needs_time_rank;
  const words =
    typeof rank === "number"
      ? ` Of random directions in an untrained copy of the model, ${percent(rank)} need time less.`
      : "";
  return h(
    "section.side",
    {},
    h("h2", {}, "Need for time"),
    h("p.count", {}, `Share of its activation that changes when steps change places.${words}`),
    h("ul.bars", {}, bars),
  );
}
