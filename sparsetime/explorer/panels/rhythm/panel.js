// Rhythm of a feature: the power spectrum of its activation against shuffled time, and its beat.

import { h, messageOf } from "../../web/dom.js";
import { lasting, sequenceName } from "../../web/durations.js";
import { lineChart } from "../../web/line_chart.js";

/** @type {PanelModule["default"]} */
export default function rhythm(page) {
  const place = h("div.chart", {});
  page.answer("rhythm").then(
    ({ frequencies, power, null: shuffled, unit, period, sequences, reason }) => {
      if (reason) {
        place.append(h("p.count", {}, `No spectrum. ${reason}`));
        return;
      }
      const none =
        sequences > 1
          ? "It has no beat beyond chance."
          : `A beat is tested in two ${sequenceName(page.run)}s or more.`;
      const beat = period === null ? none : `It beats every ${lasting(period, page.run)}.`;
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
    (error) => place.append(h("p.count", {}, `No spectrum. ${messageOf(error)}`)),
  );
  return place;
}
