// Rhythm of a feature: the power spectrum of its activation against shuffled time, and its beat.

import { h } from "../../web/dom.js";
import { lasting } from "../../web/durations.js";
import { lineChart } from "../../web/line_chart.js";

/** @type {PanelModule["default"]} */
export default function rhythm(page) {
  const place = h("div.chart", {});
  page.answer("rhythm").then(
    ({ frequencies, power, null: shuffled, unit, period, reason }) => {
      if (reason) {
        place.append(h("p.count", {}, `No spectrum. ${reason}`));
        return;
      }
      const beat =
        period === null
          ? "It has no beat beyond chance."
          : `It beats every ${lasting(period, page.run)}.`;
      const chart = lineChart({
        title: "Power spectrum of its activation",
        unit,
        x: frequencies,
        lines: [power, shuffled],
        names: ["", "shuffled"],
        hue: page.hue,
        note: `${beat} Grey: the same in shuffled time.`,
      });
      place.append(chart);
    },
    () => {},
  );
  return place;
}
