// A series of one or many channels over the timeline, each in a lane of its own scale, on its time axis.

import { node, short } from "../../web/dom.js";

const LANE = 27, ALONE = 96, MOST = 260;

export default {
  reads: true,
  fits: (input) => input.kind === "series",
  height: ({ channels }) => (channels.length === 1 ? ALONE : Math.min(MOST, channels.length * LANE + 12)),
  draw(chart, timeline) {
    const { pen, hues, gutter, top } = chart, { input } = timeline, lane = (top - 10) / input.channels.length;
    input.channels.forEach((name, i) => {
      const floor = 4 + (i + 1) * lane - 3, y = scale(input, i, floor, lane - 7);
      pen.font = `11px ${chart.font}`; pen.textAlign = "right"; pen.fillStyle = hues.soft;
      pen.fillText(name.length > 20 ? `${name.slice(0, 19)}…` : name, gutter - 12, floor - lane / 2 + 7);
      pen.fillStyle = hues.rule; pen.fillRect(gutter, floor + 1, chart.wide, 1);
      pen.save();
      pen.beginPath(); pen.rect(gutter, 0, chart.wide, top); pen.clip();
      trace(pen, input, i, (column) => chart.x(input.first + (column + 0.5) * input.stride), y, hues.ink, chart.pitch * input.stride);
      pen.restore();
    });
    pen.textAlign = "left";
  },
  describe({ input }, step) {
    const at = Math.floor((step - input.first) / input.stride);
    const values = input.channels.slice(0, 4).map((name, i) => (input.low[i][at] == null ? null : `${name} ${short(input.low[i][at])}`));
    return values.filter(Boolean).join(", ") + (input.channels.length > 4 ? " …" : "");
  },
  example(example, hue) {
    const { input } = example, lane = input.channels.length === 1 ? 44 : 15, wide = 640, tall = lane * input.channels.length, count = example.strengths.length, step = wide / count;
    const svg = node("svg", { viewBox: `0 0 ${wide} ${tall + 6}`, class: "sparks", role: "img", "aria-label": `${input.channels.join(", ")} around step ${example.position}` });
    example.strengths.forEach((strength, i) => { if (strength) svg.append(node("rect", { x: i * step, y: 0, width: step, height: tall + 6, fill: `var(--${hue})`, opacity: 0.08 + 0.0042 * strength })); });
    svg.append(node("rect", { x: example.here * step, y: tall + 3, width: step, height: 3, fill: "var(--ink)" }));
    input.channels.forEach((name, i) => {
      const y = scale(input, i, (i + 1) * lane - 2, lane - 5);
      const points = input.low[i].flatMap((low, column) => (low === null ? [] : [`${((column + 0.5) * input.stride * step).toFixed(1)},${y((low + input.high[i][column]) / 2).toFixed(1)}`]));
      const line = node("polyline", { points: points.join(" "), class: "trace" });
      line.append(node("title", {}, name));
      svg.append(line);
    });
    return svg;
  },
};

/** Height of a value: the channel's whole range fills the lane. */
function scale({ least, most }, i, floor, tall) {
  const range = most[i] - least[i] || 1;
  return (value) => floor - ((value - least[i]) / range) * tall;
}

/** A line where steps have room, and the span of each pixel where several share one. */
function trace(pen, input, i, x, y, ink, wide) {
  const low = input.low[i], high = input.high[i];
  pen.strokeStyle = ink; pen.lineWidth = 1.1; pen.lineJoin = "round"; pen.beginPath();
  let broken = true;
  for (let column = 0; column < low.length; column += 1) {
    if (low[column] === null) { broken = true; continue; }
    const at = x(column), from = y(low[column]), to = y(high[column]);
    if (broken) pen.moveTo(at, from); else pen.lineTo(at, from);
    if (input.stride > 1 || wide < 1) pen.lineTo(at, to);
    broken = false;
  }
  pen.stroke();
}
