// A small timeline without words: what a passage looks like under a dictionary.

import { hueOf } from "./dom.js";

/** Draw rows of `columns` and `strengths` over the steps `first` to `stop`, in the canvas's size. */
export function drawThumbnail(canvas, { first, stop, rows }) {
  const draw = () => {
    if (!canvas.isConnected) return removeEventListener("themechange", draw);
    const wide = canvas.clientWidth * devicePixelRatio, tall = canvas.clientHeight * devicePixelRatio;
    canvas.width = wide; canvas.height = tall;
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const step = wide / (stop - first), row = tall / Math.max(1, rows.length);
    rows.forEach((each, y) => {
      pen.fillStyle = style.getPropertyValue(`--${hueOf(each)}`);
      each.columns.forEach((column, i) => {
        pen.globalAlpha = 0.25 + 0.75 * each.strengths[i] / 100;
        pen.fillRect(column * step, y * row, step + 0.5, row * 0.78);
      });
    });
    return null;
  };
  requestAnimationFrame(draw);
  addEventListener("themechange", draw);
  new ResizeObserver(draw).observe(canvas);
}
