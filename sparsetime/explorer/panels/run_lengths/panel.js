// Histogram of the lengths of a feature's runs.

import { short } from "../../web/dom.js";
import { histogram } from "../../web/histogram.js";

/** @type {PanelModule["default"]} */
export default ({ feature, unit, hue }) =>
  histogram({
    title: `Length of a run, ${unit}s`,
    unit,
    hue,
    ...feature.run_lengths,
    format: (value) => short(Math.ceil(value)),
  });
