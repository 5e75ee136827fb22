// Ordinary charts, by plotly.js from the installed package, in the page's own colours.

import { exported } from "./router.js";
import { colour } from "./dom.js";

let loading = null;
function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = exported ? "plotly.js" : "/plotly.js";
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });
  return loading;
}

const HUES = ["violet", "green", "plain", "low", "high"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];

/** Lines over rows seen, the height logarithmic. */
export async function drawCurves(place, curves) {
  if (!curves.length) return;
  const Plotly = await plotly();
  const draw = () => {
    if (!place.isConnected) return removeEventListener("themechange", draw);
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: colour("soft") };
    const axis = { gridcolor: colour("rule"), zeroline: false, linecolor: colour("rule"), ticks: "", tickfont: font, fixedrange: false };
    const traces = curves.map((curve, i) => ({
      x: curve.x, y: curve.y, name: curve.label, type: "scatter", mode: "lines",
      line: { color: colour(HUES[i % HUES.length]), dash: DASHES[i % DASHES.length], width: 2 },
      hovertemplate: "%{y:.4f} at %{x:,} rows<extra>%{fullData.name}</extra>",
    }));
    Plotly.react(place, traces, {
      margin: { l: 52, r: 12, t: 8, b: 40 }, height: 300, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font, xaxis: { ...axis, title: { text: "rows seen", font, standoff: 8 }, showgrid: false, exponentformat: "none", tickformat: ".3~s" },
      yaxis: { ...axis, type: "log", dtick: "D1", tickformat: ".2~f" }, showlegend: true,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { ...font, color: colour("ink") } },
      hoverlabel: { font: { ...font, color: colour("paper") }, bgcolor: colour("ink"), bordercolor: colour("ink") },
    }, { displayModeBar: false, responsive: true });
    return null;
  };
  draw();
  addEventListener("themechange", draw);
}
