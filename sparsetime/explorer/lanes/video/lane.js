// Frames of a video, or any pictures in time, as thumbnails over the timeline.

import { h } from "../../web/dom.js";

const TALL = 84, PICTURE = 66, GAP = 4;
const pictures = new Map();

function picture(address, loaded) {
  if (!pictures.has(address)) {
    if (pictures.size > 600) pictures.clear();
    const made = new Image();
    made.src = address;
    pictures.set(address, made);
  }
  const found = pictures.get(address);
  if (!found.complete) found.addEventListener("load", loaded, { once: true });
  return found;
}

export default {
  reads: true,
  fits: (input) => input.kind === "frames",
  height: () => TALL,
  draw(chart, timeline) {
    const { pen, hues, gutter, top } = chart;
    pen.save();
    pen.beginPath(); pen.rect(gutter, 0, chart.wide, top); pen.clip();
    pen.imageSmoothingEnabled = false;
    let free = -Infinity;
    for (const { step, picture: address } of timeline.input.frames) {
      const shown = picture(address, () => timeline.draw());
      if (!shown.complete || !shown.naturalHeight) continue;
      const wide = (shown.naturalWidth / shown.naturalHeight) * PICTURE, middle = chart.x(step + 0.5), left = middle - wide / 2;
      if (left < free || middle < gutter || left > gutter + chart.wide) continue;
      pen.drawImage(shown, left, 4, wide, PICTURE);
      pen.fillStyle = hues.faint; pen.fillRect(middle, PICTURE + 6, 1, top - PICTURE - 8);
      free = left + wide + GAP;
    }
    pen.restore();
  },
  example: (example, hue) => h("div.film", {}, example.input.frames.map((frame) => {
    const strength = example.strengths[frame.step - example.first] ?? 0;
    const shown = h("img", { src: frame.picture, alt: `frame ${frame.step}` });
    if (strength) shown.style.outline = `2px solid color-mix(in srgb, var(--${hue}) ${30 + strength * 0.7}%, transparent)`;
    return shown;
  })),
};
