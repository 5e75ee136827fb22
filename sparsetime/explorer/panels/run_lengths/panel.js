// Histogram of the lengths of a feature's runs.

import { axisUnit, inTimeUnit, timeUnit } from "../../web/durations.js";
import { histogram } from "../../web/histogram.js";

/** @type {PanelModule["default"]} */
export default ({ feature, run, hue }) =>
  histogram({
    title: `Length of a run, ${axisUnit(run)}`,
    unit: timeUnit(run),
    hue,
    ...feature.run_lengths,
    format: (value) => inTimeUnit(Math.ceil(value), run),
  });
