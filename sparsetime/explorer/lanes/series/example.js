// An activating example of a series: its channels over the steps around it, shaded where it fires.

import { node } from "../../web/dom.js";
import { columnsOf } from "../../web/packed_columns.js";
import { heightScale, rangesNear } from "./lines.js";

const SPARK_WIDTH = 640;
const FEW = 12; // channels of an example

/** @type {NonNullable<Lane["example"]>} */
export function example(moment, hue) {
  const { input, strengths, time } = moment;
  if (!input) return document.createTextNode("");
  const channels = input.channels.slice(0, FEW);
  const band = channels.length === 1 ? 44 : 15;
  const height = band * channels.length;
  const step = SPARK_WIDTH / strengths.length;
  const svg = node("svg", {
    viewBox: `0 0 ${SPARK_WIDTH} ${height + 6}`,
    class: "sparks",
    role: "img",
    "aria-label": `${channels.join(", ")} around ${time}`,
  });
  strengths.forEach((percent, i) => {
    if (!percent) return;
    const box = { x: i * step, y: 0, width: step, height: height + 6 };
    const opacity = 0.08 + 0.0042 * percent;
    svg.append(node("rect", { ...box, fill: `var(--${hue})`, opacity }));
  });
  const here = { x: moment.here * step, y: height + 3, width: step, height: 3 };
  svg.append(node("rect", { ...here, fill: "var(--ink)" }));
  const all = columnsOf(input);
  const ranges = comparableRanges(input);
  channels.forEach((name, i) => {
    const y = heightScale(ranges, i, (i + 1) * band - 2, band - 5);
    const { low, high } = all[i];
    const points = [...low].flatMap((least, column) => {
      if (Number.isNaN(least)) return [];
      const x = (input.begin - moment.first + (column + 0.5) * input.stride) * step;
      const ends = low === high || least === high[column] ? [least] : [least, high[column]];
      return ends.map((value) => `${x.toFixed(1)},${y(value).toFixed(1)}`);
    });
    const line = node("polyline", { points: points.join(" "), class: "trace" });
    line.append(node("title", {}, name));
    svg.append(line);
  });
  return svg;
}

/**
 * The usual range of each channel, widened to its values here: examples can be compared, and an
 * artefact elsewhere makes none of them a flat line.
 * @param {Api.InputView} input
 */
function comparableRanges(input) {
  const { least, most } = rangesNear(input);
  return {
    least: least.map((value, i) => Math.min(value, input.usual[i][0])),
    most: most.map((value, i) => Math.max(value, input.usual[i][1])),
  };
}

/** @type {NonNullable<Lane["exampleNote"]>} */
export function exampleNote({ input }) {
  const count = input ? input.channels.length + input.hidden : 0;
  const note = `Drawn are the first ${FEW} of ${count} channels; the timeline shows all.`;
  return count > FEW ? note : "";
}
