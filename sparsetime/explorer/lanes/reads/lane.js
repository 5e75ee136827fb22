// What steps read of earlier steps: time to the right, lag downwards, the sign of a weight by colour.

import { pictureOf } from "../../web/colour_map.js";
import { short } from "../../web/dom.js";
import { fitted } from "../../web/timeline_rows.js";

const HEIGHT = 72;
const GAP = 8;
const MIDDLE = 128;

/** @type {WeakMap<Timeline, Api.ReadsView>} */
const answers = new WeakMap();
/** @type {WeakMap<Api.ReadsOfSite, string>} */
const unpacked = new WeakMap();

/** @param {Api.ReadsOfSite} site */
function levelsOf(site) {
  const known = unpacked.get(site);
  if (known !== undefined) return known;
  const levels = atob(site.levels);
  unpacked.set(site, levels);
  return levels;
}

export default /** @type {Lane} */ ({
  fits: () => true,
  height(_input, _look, timeline) {
    return ((timeline && answers.get(timeline)?.sites.length) ?? 0) * (HEIGHT + GAP);
  },
  async load(timeline) {
    if (answers.has(timeline) || timeline.fixed) return;
    answers.set(timeline, await timeline.asked("reads", {}));
  },
  draw(chart, timeline) {
    const { pen, hues, gutter, wide } = chart;
    const answer = answers.get(timeline);
    if (!answer?.sites.length) return;
    answer.sites.forEach((site, i) => {
      const { lags, columns, stride } = site;
      const top = i * (HEIGHT + GAP) + GAP / 2;
      const colours = [hues.low, hues.paper, hues.high];
      const picture = pictureOf(site, columns, lags + 1, colours, (shades) => {
        const levels = levelsOf(site);
        for (let at = 0; at < shades.length; at += 1) {
          // The square root shows weights that are small beside the largest.
          const share = (levels.charCodeAt(at) - MIDDLE) / (MIDDLE - 1);
          shades[at] = 127.5 * (1 + Math.sign(share) * Math.sqrt(Math.abs(share)));
        }
      });
      pen.save();
      pen.beginPath();
      pen.rect(gutter, top, wide, HEIGHT);
      pen.clip();
      pen.imageSmoothingEnabled = false;
      pen.drawImage(picture, chart.x(answer.first), top, columns * stride * chart.pitch, HEIGHT);
      pen.restore();
      pen.font = `11px ${chart.font}`;
      pen.textAlign = "right";
      pen.fillStyle = hues.soft;
      pen.fillText(fitted(pen, site.site, gutter - 150), gutter - 12, top + HEIGHT / 2 + 4);
      pen.font = `9.5px ${chart.font}`;
      pen.fillStyle = hues.faint;
      pen.fillText("now", gutter - 8, top + 8);
      pen.fillText(`−${lags}`, gutter - 8, top + HEIGHT);
      pen.textAlign = "left";
    });
  },
  describe(timeline, step, y = -1) {
    const answer = answers.get(timeline);
    const site = answer?.sites[Math.floor(y / (HEIGHT + GAP))];
    if (!answer || !site) return "";
    const share = ((y % (HEIGHT + GAP)) - GAP / 2) / HEIGHT;
    const lag = Math.floor(share * (site.lags + 1));
    const column = Math.floor((step - answer.first) / site.stride);
    if (share < 0 || share >= 1 || column < 0 || column >= site.columns) return "";
    const level = levelsOf(site).charCodeAt(lag * site.columns + column);
    const weight = short(((level - MIDDLE) / (MIDDLE - 1)) * site.top);
    const back = lag === site.lags ? `all from ${lag} steps back` : `${lag} steps back`;
    return `reads ${back}: ${lag ? weight : `${weight} (itself)`}`;
  },
});
