// Frames of a video, or any pictures in time, as thumbnails over the timeline.

import { h } from "../../web/dom.js";

const HEIGHT = 84;
const PICTURE = 66; // height of a picture
const GAP = 4;
const MOST_PICTURES = 600; // kept decoded

/** @type {Map<string, HTMLImageElement>} */
const pictures = new Map();

/**
 * @param {string} address
 * @param {() => void} loaded called once it can be drawn
 */
function picture(address, loaded) {
  let image = pictures.get(address);
  if (!image) {
    if (pictures.size > MOST_PICTURES) pictures.clear();
    image = new Image();
    image.src = address;
    pictures.set(address, image);
  }
  if (!image.complete) image.addEventListener("load", loaded, { once: true });
  return image;
}

export default /** @type {Lane} */ ({
  reads: true,
  fits: (input) => input.kind === "frames",
  height: () => HEIGHT,
  draw(chart, timeline) {
    const { pen, hues, gutter, top } = chart;
    pen.save();
    pen.beginPath();
    pen.rect(gutter, 0, chart.wide, top);
    pen.clip();
    pen.imageSmoothingEnabled = false; // frames of games are few pixels, which should stay sharp
    let free = Number.NEGATIVE_INFINITY;
    for (const { step, picture: address } of timeline.input.frames) {
      const image = picture(address, () => timeline.draw());
      if (!image.complete || !image.naturalHeight) continue;
      const width = (image.naturalWidth / image.naturalHeight) * PICTURE;
      const middle = chart.x(step + timeline.input.stride / 2);
      const left = middle - width / 2;
      if (left < free || middle < gutter || left > gutter + chart.wide) continue;
      pen.drawImage(image, left, 4, width, PICTURE);
      pen.fillStyle = hues.faint;
      pen.fillRect(middle, PICTURE + 6, 1, top - PICTURE - 8);
      free = left + width + GAP;
    }
    pen.restore();
  },
  describe: ({ input }) =>
    input.frames.length < input.of_frames
      ? `${input.frames.length} of ${input.of_frames} frames here; zoom in for the others`
      : "",
  example: ({ input, strengths, first }, hue) =>
    h(
      "div.film",
      {},
      input?.frames.map((frame) => {
        const percent = strengths[Math.floor(frame.step - first + 1e-6)] ?? 0;
        const image = h("img", {
          src: frame.picture,
          alt: `frame ${Math.round((frame.step - input.begin) / input.stride)}`,
        });
        const share = 30 + percent * 0.7;
        if (percent)
          image.style.outline = `2px solid color-mix(in srgb, var(--${hue}) ${share}%, transparent)`;
        return image;
      }),
    ),
  exampleNote: ({ input }) =>
    input && input.frames.length < input.of_frames
      ? `Shown are ${input.frames.length} of the ${input.of_frames} frames of each example.`
      : "",
});
