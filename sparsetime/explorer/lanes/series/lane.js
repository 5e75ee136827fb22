// A series of one or many channels over the timeline, each in a band of its own scale.

import { node, plural, short } from "../../web/dom.js";
import { fitted } from "../../web/timeline_rows.js";

const BAND = 27; // height of one channel of several
const ALONE = 96;
const MOST = 260;
const SPARK_WIDTH = 640;
const LEAST_BAND = 11; // height of one of many channels where all are drawn
const FEW = 12; // channels that are drawn where not all are asked for

export default /** @type {Lane} */ ({
  reads: true,
  channels: FEW,
  fits: (input) => input.kind === "series",
  height: ({ channels: { length } }) => {
    if (length === 1) return ALONE;
    return Math.max(Math.min(MOST, length * BAND + 12), length * LEAST_BAND + 12);
  },
  draw(chart, { input }) {
    const { pen, hues, gutter, top } = chart;
    const band = (top - 10) / input.channels.length;
    input.channels.forEach((name, i) => {
      const floor = 4 + (i + 1) * band - 3;
      pen.font = `11px ${chart.font}`;
      pen.textAlign = "right";
      pen.fillStyle = hues.soft;
      pen.fillText(fitted(pen, name, gutter - 60), gutter - 12, floor - band / 2 + 7);
      pen.fillStyle = hues.rule;
      pen.fillRect(gutter, floor + 1, chart.wide, 1);
      pen.save();
      pen.beginPath();
      pen.rect(gutter, 0, chart.wide, top);
      pen.clip();
      pen.strokeStyle = hues.ink;
      pen.lineWidth = 1.1;
      pen.lineJoin = "round";
      const x = (/** @type {number} */ column) =>
        chart.x(input.first + (column + 0.5) * input.stride);
      trace(pen, input, i, x, heightScale(input, i, floor, band - 7), chart.pitch * input.stride);
      pen.restore();
    });
    pen.textAlign = "left";
  },
  describe({ input }, step) {
    const column = Math.floor((step - input.first) / input.stride);
    const values = input.channels.slice(0, FEW).flatMap((name, i) => {
      const [low, high] = [input.low[i][column] ?? null, input.high[i][column] ?? null];
      if (low === null || high === null) return [];
      return [`${name} ${low === high ? short(low) : `${short(low)} to ${short(high)}`}`];
    });
    const more = input.channels.length + input.hidden - FEW;
    return values.join(", ") + (more > 0 ? ` and ${plural(more, "more channel")}` : "");
  },
  example(example, hue) {
    const { input, strengths, time } = example;
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
    const here = { x: example.here * step, y: height + 3, width: step, height: 3 };
    svg.append(node("rect", { ...here, fill: "var(--ink)" }));
    channels.forEach((name, i) => {
      const y = heightScale(input, i, (i + 1) * band - 2, band - 5);
      const points = input.low[i].flatMap((low, column) => {
        const high = input.high[i][column];
        if (low === null || high === null) return [];
        const x = (column + 0.5) * input.stride * step;
        return [`${x.toFixed(1)},${y((low + high) / 2).toFixed(1)}`];
      });
      const line = node("polyline", { points: points.join(" "), class: "trace" });
      line.append(node("title", {}, name));
      svg.append(line);
    });
    return svg;
  },
  exampleNote({ input }) {
    const count = input ? input.channels.length + input.hidden : 0;
    const note = `Drawn are the first ${FEW} of ${count} channels; the timeline can show all.`;
    return count > FEW ? note : "";
  },
});

/**
 * The height of a value, the channel's whole range filling its band.
 * @param {Api.InputView} input
 * @param {number} i the channel
 * @param {number} floor
 * @param {number} height
 */
function heightScale({ least, most }, i, floor, height) {
  const range = most[i] - least[i] || 1;
  return (/** @type {number} */ value) => floor - ((value - least[i]) / range) * height;
}

/**
 * Draw a line through the values. Where several steps share a column or a pixel, the line goes over
 * the least and the greatest of them, so that no peak is lost.
 * @param {CanvasRenderingContext2D} pen
 * @param {Api.InputView} input
 * @param {number} i the channel
 * @param {(column: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} width of a column in pixels
 */
function trace(pen, { low, high, stride }, i, x, y, width) {
  pen.beginPath();
  let broken = true; // no line over missing values
  low[i].forEach((least, column) => {
    const greatest = high[i][column];
    if (least === null || greatest === null) {
      broken = true;
      return;
    }
    if (broken) pen.moveTo(x(column), y(least));
    else pen.lineTo(x(column), y(least));
    if (stride > 1 || width < 1) pen.lineTo(x(column), y(greatest));
    broken = false;
  });
  pen.stroke();
}
