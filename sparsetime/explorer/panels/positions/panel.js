// Density of a feature in each tenth of a sequence.

import { histogram } from "../../web/histogram.js";

const ENDS = { 0: "beginning", 1: "end" };

export default ({ feature, hue }) => histogram({
  title: "Position in the sequence", unit: "", edges: [...Array(11).keys()].map((i) => i / 10), counts: feature.position_density,
  root: false, hue, format: (value) => ENDS[value] ?? "",
});
