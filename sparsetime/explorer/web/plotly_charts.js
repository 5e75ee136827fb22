// Training curves, drawn by plotly.js of the installed package in the page's own colours.

import { colour } from "./dom.js";
import { exported } from "./router.js";

const HUES = ["violet", "green", "plain", "low", "high"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];

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
 * Draw lines over the rows seen, with a logarithmic height.
 * @param {HTMLElement} place
 * @param {Pick<Api.TrainingCurve, "label" | "x" | "y">[]} curves
 */
export async function drawCurves(place, curves) {
  if (!curves.length) return;
  const Plotly = await plotly();
  const draw = () => {
    if (!place.isConnected) {
      removeEventListener("themechange", draw);
      return;
    }
    const options = { displayModeBar: false, responsive: true };
    Plotly.react(place, curves.map(trace), layout(), options);
  };
  draw();
  addEventListener("themechange", draw);
}

/**
 * @param {Pick<Api.TrainingCurve, "label" | "x" | "y">} curve
 * @param {number} i
 */
const trace = ({ x, y, label }, i) => ({
  x,
  y,
  name: label,
  type: "scatter",
  mode: "lines",
  line: { color: colour(HUES[i % HUES.length]), dash: DASHES[i % DASHES.length], width: 2 },
  hovertemplate: "%{y:.4f} at %{x:,} rows<extra>%{fullData.name}</extra>",
});

function layout() {
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
    height: 300,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font,
    xaxis: {
      ...axis,
      title: { text: "rows seen", font, standoff: 8 },
      showgrid: false,
      exponentformat: "none",
      tickformat: ".3~s",
    },
    yaxis: { ...axis, type: "log", dtick: "D1", tickformat: ".2~f" },
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { ...font, color: ink } },
    hoverlabel: { font: { ...font, color: paper }, bgcolor: ink, bordercolor: ink },
  };
}
