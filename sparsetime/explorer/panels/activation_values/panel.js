// Histogram of a feature's activation values, where it fires.

import { histogram } from "../../web/histogram.js";

/** @type {PanelModule["default"]} */
export default ({ feature, hue }) =>
  histogram({
    title: "Activation value, where it fires",
    unit: "",
    hue,
    root: false,
    ...feature.strengths,
  });
