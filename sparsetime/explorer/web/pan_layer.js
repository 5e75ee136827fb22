// A picture of what a chart draws over time, wider than the view, so that panning only moves it.

const SIDES = 1; // widths of the view that the picture has on each side
const MOST_PIXELS = 12_000; // of a picture's width

/** @typedef {import("./timeline_canvas.js").TimelineCanvas} Chart */

export class PanLayer {
  /** @type {HTMLCanvasElement | null} */
  canvas = null;
  key = ""; // of the picture
  before = ""; // key of the drawing before this one
  from = 0; // first step of the picture
  to = 0;

  /**
   * Draw by `paint`, or move the picture of an earlier drawing.
   *
   * At a new zoom it paints the view alone. When the next drawing has the same zoom, the view pans
   * or only the pointer moves: then a wider picture is painted, and those after it move it.
   * @param {Chart} chart
   * @param {string} content names what is painted; another name paints it again
   * @param {number} top of the layer in the chart
   * @param {number} height
   * @param {(chart: Chart) => void} paint draws from the chart's `top` 0 on, in the chart's view
   */
  draw(chart, content, top, height, paint) {
    const { pen, gutter, wide, pitch, timeline } = chart;
    const { view, length } = timeline;
    const ratio = devicePixelRatio * chart.scale;
    const key = [content, pitch, height, wide, ratio, length].join("|");
    const covers = this.key === key && view.from >= this.from && view.to <= this.to;
    const still = this.before === key;
    this.before = key;
    pen.save();
    pen.beginPath();
    pen.rect(gutter, top, wide, height);
    pen.clip();
    if (covers || (still && this.paint(chart, key, height, ratio, paint))) {
      const x = gutter + Math.round((this.from - view.from) * pitch * ratio) / ratio;
      const { canvas } = this;
      if (canvas) pen.drawImage(canvas, x, top, canvas.width / ratio, canvas.height / ratio);
    } else {
      pen.translate(0, top);
      paint(Object.create(chart, { top: { value: 0 } }));
    }
    pen.restore();
  }

  /**
   * Paint the picture around the view; whether it has room.
   * @param {Chart} chart
   * @param {string} key
   * @param {number} height
   * @param {number} ratio
   * @param {(chart: Chart) => void} paint
   */
  paint(chart, key, height, ratio, paint) {
    const { view, length } = chart.timeline;
    const { pitch } = chart;
    const side = SIDES * (view.to - view.from);
    const [from, to] = [Math.max(0, view.from - side), Math.min(length, view.to + side)];
    const across = (to - from) * pitch;
    if (across * ratio > MOST_PIXELS || height < 1) return false;
    this.canvas ??= document.createElement("canvas");
    const [width, high] = [Math.ceil(across * ratio), Math.ceil(height * ratio)];
    [this.canvas.width, this.canvas.height] = [width, high];
    const pen = this.canvas.getContext("2d");
    if (!pen) return false;
    pen.scale(ratio, ratio);
    const timeline = Object.create(chart.timeline, { view: { value: { from, to } } });
    const values = { pen, timeline, gutter: 0, wide: across, top: 0 };
    const properties = Object.entries(values).map(([name, value]) => [name, { value }]);
    paint(Object.create(chart, Object.fromEntries(properties)));
    [this.key, this.from, this.to] = [key, from, to];
    return true;
  }
}

/** @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let count = 0;

/**
 * A number for an object, the same for as long as it lives: part of the name of a layer's content.
 * @param {object} object
 */
export function numberOf(object) {
  const known = numbers.get(object);
  if (known !== undefined) return known;
  count += 1;
  numbers.set(object, count);
  return count;
}
