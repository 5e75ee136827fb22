// Density of a feature in each tenth of a sequence.

import { histogram } from "../../web/histogram.js";

const TENTHS = [...Array(11).keys()].map((i) => i / 10);

/** @type {PanelModule["default"]} */
export default ({ feature, hue }) =>
  histogram({
    title: "Position in the sequence",
    unit: "",
    edges: TENTHS,
    counts: feature.position_density,
    root: false,
    hue,
    format: (value) => (value === 0 ? "beginning" : value === 1 ? "end" : ""),
  });
