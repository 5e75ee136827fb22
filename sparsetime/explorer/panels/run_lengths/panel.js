// Histogram of the lengths of a feature's runs.

import { short } from "../../web/dom.js";
import { stepsOf } from "../../web/durations.js";
import { histogram } from "../../web/histogram.js";

/** @type {PanelModule["default"]} */
export default ({ feature, run, hue }) =>
  histogram({
    title: `Length of a run, ${stepsOf(run)}`,
    unit: `${run.unit}s`,
    hue,
    ...feature.run_lengths,
    format: (value) => short(Math.ceil(value)),
  });
