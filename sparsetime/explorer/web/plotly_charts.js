// Charts drawn by plotly.js of the installed package, in the page's own colours.

import { colour } from "./dom.js";
import { namePlaces } from "./point_labels.js";
import { exported } from "./router.js";

const HUES = ["violet", "green", "plain", "low", "high"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
const OPTIONS = { displayModeBar: false, responsive: true };

/** @type {Promise<Window["Plotly"]> | null} */
let loading = null;

/** Load plotly.js when it is first needed: it is large. */
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = exported ? "plotly.js" : "/plotly.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });
  return loading;
}

/**
 * Draw a chart, again whenever the theme changes.
 * @param {HTMLElement} place
 * @param {() => [traces: object[], layout: object]} make in the colours of the moment
 */
async function drawChart(place, make) {
  const Plotly = await plotly();
  const draw = () => {
    if (!place.isConnected) {
      removeEventListener("themechange", draw);
      return;
    }
    Plotly.react(place, ...make(), OPTIONS);
  };
  draw();
  addEventListener("themechange", draw);
}

/**
 * Draw lines over the rows seen, with a logarithmic height.
 * @param {HTMLElement} place
 * @param {Pick<Api.TrainingCurve, "label" | "x" | "y">[]} curves
 */
export async function drawCurves(place, curves) {
  if (!curves.length) return;
  await drawChart(place, () => [curves.map(curveTrace), curvesLayout()]);
}

/**
 * @param {Pick<Api.TrainingCurve, "label" | "x" | "y">} curve
 * @param {number} i
 */
const curveTrace = ({ x, y, label }, i) => ({
  x,
  y,
  name: label,
  type: "scatter",
  mode: "lines",
  line: { color: colour(HUES[i % HUES.length]), dash: DASHES[i % DASHES.length], width: 2 },
  hovertemplate: "%{y:.4f} at %{x:,} rows<extra>%{fullData.name}</extra>",
});

function curvesLayout() {
  const { font, axis, ...layout } = baseLayout();
  return {
    ...layout,
    height: 300,
    xaxis: {
      ...axis,
      title: { text: "rows seen", font, standoff: 8 },
      showgrid: false,
      exponentformat: "none",
      tickformat: ".3~s",
    },
    yaxis: { ...axis, type: "log", dtick: "D2", tickformat: "~g" },
    showlegend: true,
    legend: {
      orientation: "h",
      x: 0,
      y: 1.02,
      yanchor: "bottom",
      font: { ...font, color: colour("ink") },
    },
  };
}

/** @typedef {{title: string, x: number, y: number, hue: string}} NamedPoint */

/**
 * Draw dictionaries as points named beside them: unexplained variance over active latents.
 * @param {HTMLElement} place
 * @param {NamedPoint[]} points
 * @param {NamedPoint[]} front joined by dashes
 */
export const drawPoints = (place, points, front) =>
  drawChart(place, () => {
    const { font, axis, ...layout } = baseLayout();
    const [height, margin] = [210, { ...layout.margin, t: 24, r: 24 }];
    const [xs, ys] = [reach(points.map((point) => point.x)), reach(points.map((point) => point.y))];
    const width = place.clientWidth - margin.l - margin.r;
    const high = height - margin.t - margin.b;
    const pixels = points.map(({ title, x, y }) => ({
      title,
      x: (width * (x - xs[0])) / (xs[1] - xs[0]),
      y: (high * (ys[1] - y)) / (ys[1] - ys[0]),
    }));
    const dashes = {
      x: front.map((point) => point.x),
      y: front.map((point) => point.y),
      type: "scatter",
      mode: "lines",
      hoverinfo: "skip",
      line: { color: colour("faint"), dash: "dash", width: 1 },
    };
    const marks = {
      x: points.map((point) => point.x),
      y: points.map((point) => point.y),
      text: points.map((point) => point.title),
      type: "scatter",
      mode: "markers+text",
      textposition: namePlaces(pixels, width),
      textfont: { ...font, color: colour("ink") },
      cliponaxis: false,
      marker: { color: points.map((point) => colour(point.hue)), size: 9 },
      hovertemplate: "%{y:.2%} unexplained with %{x:.3~g} active<extra>%{text}</extra>",
    };
    return [
      [dashes, marks],
      {
        ...layout,
        height,
        margin,
        xaxis: {
          ...axis,
          title: { text: "L0: active latents a step", font, standoff: 8 },
          range: xs,
        },
        yaxis: { ...axis, tickformat: ".1~%", range: ys },
        showlegend: false,
      },
    ];
  });

/**
 * Least and greatest value with a margin for names beside the points.
 * @param {number[]} values
 */
function reach(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * 0.3 || Math.abs(high) * 0.1 || 1;
  return [Math.max(0, low - room), high + room];
}

function baseLayout() {
  const family = getComputedStyle(document.body).fontFamily;
  const font = { family, size: 12.5, color: colour("soft") };
  const axis = {
    gridcolor: colour("rule"),
    zeroline: false,
    linecolor: colour("rule"),
    ticks: "",
    tickfont: font,
    fixedrange: false,
  };
  const [ink, paper] = [colour("ink"), colour("paper")];
  return {
    margin: { l: 52, r: 12, t: 8, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font,
    axis,
    hoverlabel: { font: { ...font, color: paper }, bgcolor: ink, bordercolor: ink },
  };
}
