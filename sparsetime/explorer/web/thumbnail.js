// A small timeline without words, for a card.

import { hueOf } from "./dom.js";

/**
 * Draw rows in the size of a canvas, again whenever its size or the theme changes.
 * @param {HTMLCanvasElement} canvas
 * @param {{first: number, stop: number, rows: Pick<Api.TimelineRow, "part" | "columns" | "strengths">[]}} data
 *   columns are single steps
 */
export function drawThumbnail(canvas, { first, stop, rows }) {
  const draw = () => {
    if (!canvas.isConnected) {
      removeEventListener("themechange", draw);
      return;
    }
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    const pen = canvas.getContext("2d");
    if (!pen) return;
    const style = getComputedStyle(document.documentElement);
    const step = canvas.width / (stop - first);
    const height = canvas.height / Math.max(1, rows.length);
    rows.forEach((row, i) => {
      pen.fillStyle = style.getPropertyValue(`--${hueOf(row)}`);
      row.columns.forEach((column, at) => {
        pen.globalAlpha = 0.25 + (0.75 * row.strengths[at]) / 100;
        // Half a pixel wider than a step, or antialiasing leaves seams between neighbours.
        pen.fillRect(column * step, i * height, step + 0.5, height * 0.78);
      });
    });
  };
  requestAnimationFrame(draw);
  addEventListener("themechange", draw);
  new ResizeObserver(draw).observe(canvas);
}
