// A series over the timeline: lines with a scale for a few channels, a heat map for many.

import { plural, short } from "../../web/dom.js";
import { valuesAt } from "../../web/packed_columns.js";
import { example, exampleNote } from "./example.js";
import { drawHeatMap, heatMapHeight } from "./heat_map.js";
import { drawLines, linesHeight } from "./lines.js";

const MOST_LINES = 12; // channels beyond which a heat map is drawn unless lines are chosen
const FEW = 12; // channels that the tooltip names

/**
 * How a series is drawn: as the timeline's settings say, else by the number of channels.
 * @param {Api.InputView} input
 * @param {string} [chosen]
 */
export const drawnAs = ({ channels }, chosen = "") =>
  chosen || (channels.length > MOST_LINES ? "heat" : "lines");

export default /** @type {Lane} */ ({
  reads: true,
  packed: true,
  looks: [
    ["lines", "lines"],
    ["heat", "heat map"],
  ],
  drawnAs,
  fits: (input) => input.kind === "series",
  height: (input, look) =>
    drawnAs(input, look) === "heat" ? heatMapHeight(input) : linesHeight(input),
  draw(chart, { input, state }) {
    if (drawnAs(input, state.look) === "heat") drawHeatMap(chart, input);
    else drawLines(chart, input);
  },
  describe({ input, state }, step, y = -1) {
    const { channels, units } = input;
    const text = (/** @type {number} */ i) => {
      const range = valuesAt(input, i, step);
      if (!range) return `${channels[i]} has no value`;
      const [least, most] = range.map(short);
      const value = least === most ? least : `${least} to ${most}`;
      return `${channels[i]} ${value}${units?.[i] ? ` ${units[i]}` : ""}`;
    };
    // Of many channels the one under the pointer comes first.
    const height = drawnAs(input, state.look) === "heat" ? heatMapHeight(input) : 0;
    const under = Math.floor(((y - 4) / (height - 10)) * channels.length);
    if (height && under >= 0 && under < channels.length) return text(under);
    const texts = channels.slice(0, FEW).map((_, i) => text(i));
    const more = channels.length + input.hidden - FEW;
    return texts.join(", ") + (more > 0 ? ` and ${plural(more, "more channel")}` : "");
  },
  example,
  exampleNote,
});
