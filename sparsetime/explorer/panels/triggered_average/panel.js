// The mean input when a feature fires, against shifted activity: lines, a heat map or pictures.

import { pictureOf } from "../../web/colour_map.js";
import { colour, h, messageOf, plural, short } from "../../web/dom.js";
import { sequenceName } from "../../web/durations.js";
import { lineChart } from "../../web/line_chart.js";
import { headMap } from "./head_map.js";

const FEW = 6; // channels that are drawn as lines
const CLEAR = 4; // |z| that 19 shifts hardly give by chance

/** @type {PanelModule["default"]} */
export default function triggeredAverage(page) {
  const section = h("section.triggered", { hidden: true });
  page.answer("triggered_average").then(
    (answer) => {
      if (answer.kind === "none" && !answer.reason) return;
      section.hidden = false;
      if (answer.reason) {
        section.append(h("h2", {}, "Input when it fires"), h("p.count", {}, answer.reason));
        return;
      }
      const read = `Mean over ${plural(answer.moments, `active ${page.unit}`)} of ${plural(answer.sequences, sequenceName(page.run))}; null: 19 circular shifts of them.`;
      const head = h("div.section-head", {}, h("h2", {}, "Input when it fires"), h("p", {}, read));
      section.append(head, answer.kind === "frames" ? pictures(answer) : series(answer, page.hue));
    },
    (error) => {
      section.hidden = false;
      section.append(h("h2", {}, "Input when it fires"), h("p.count", {}, messageOf(error)));
    },
  );
  return section;
}

/** @param {Api.TriggeredAverage} answer */
function pictures({ mean_picture, z_picture, largest_z }) {
  const figure = (/** @type {string} */ src, /** @type {string} */ text) =>
    h("figure", {}, h("img", { src, alt: text }), h("figcaption", {}, text));
  return h(
    "div.pictures",
    {},
    figure(mean_picture, "mean frame"),
    figure(
      z_picture,
      `against the null: darker and lighter than by chance, |z| up to ${short(largest_z)}`,
    ),
  );
}

/**
 * @param {Api.TriggeredAverage} answer
 * @param {Hue} hue
 */
function series(answer, hue) {
  const { channels, units, times, unit, mean, z, frequencies, frequency_unit } = answer;
  const size = (/** @type {readonly number[]} */ values) => Math.max(...values.map(Math.abs));
  const order = channels.map((_, i) => i).sort((a, b) => size(z[b]) - size(z[a]));
  const far = (/** @type {number} */ i) => {
    const largest = size(z[i]);
    return `largest |z| ${short(largest)}${largest < CLEAR ? ", no more than chance gives" : ""}`;
  };
  const charts =
    channels.length <= FEW
      ? order.map((i) =>
          lineChart({
            title: `${channels[i]}${units[i] ? `, ${units[i]}` : ""}`,
            unit,
            x: times,
            lines: [mean[i]],
            hue,
            note: far(i),
          }),
        )
      : [heatMap(answer, far(order[0]))];
  const spectrum = lineChart({
    title: "Amplitude spectrum of the input around it",
    unit: frequency_unit,
    x: frequencies.slice(1),
    lines: [answer.spectrum.slice(1)],
    band: [answer.null_low.slice(1), answer.null_high.slice(1)],
    hue,
    note: "Mean over windows and channels. Grey: least and greatest of the null.",
  });
  return h("div.averages", {}, headMap(answer), charts, spectrum);
}

/**
 * All channels by lag: z against the null.
 * @param {Api.TriggeredAverage} answer
 * @param {string} note
 */
function heatMap(answer, note) {
  const { channels, times, unit, z } = answer;
  const largest = Math.max(1e-9, ...z.flat().map(Math.abs));
  const picture = h("canvas.triggered-map", { role: "img", "aria-label": "z by channel and lag" });
  const draw = () => {
    const colours = [colour("low"), colour("paper"), colour("high")];
    const made = pictureOf(answer, times.length, channels.length, colours, (shades) => {
      z.forEach((line, i) => {
        line.forEach((value, at) => {
          shades[i * times.length + at] = 127.5 + (127.5 * value) / largest;
        });
      });
    });
    [picture.width, picture.height] = [made.width, made.height];
    picture.getContext("2d")?.drawImage(made, 0, 0);
  };
  draw();
  addEventListener("themechange", () => picture.isConnected && draw());
  const read = h("output.range");
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * times.length);
    const i = Math.floor(((event.clientY - box.top) / box.height) * channels.length);
    if (z[i]?.[at] === undefined) return;
    read.textContent = `${channels[i]} at ${short(times[at])} ${unit}: z ${short(z[i][at])}, mean ${short(answer.mean[i][at])} ${answer.units[i] ?? ""}`;
  });
  const range = `${short(times[0])} to ${short(times[times.length - 1])} ${unit}`;
  return h(
    "figure.spread",
    {},
    h("figcaption", {}, h("b", {}, `${channels.length} channels, ${range}`), read),
    picture,
    h("p.count", {}, note),
  );
}
