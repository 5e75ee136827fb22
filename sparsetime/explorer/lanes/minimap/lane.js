// The whole sequence in a strip over the timeline: change points, pinned rows, and the part in view.

import { colour, h, hueOf } from "../../web/dom.js";

const COLUMNS = 2048; // more than a screen has pixels, so that a column is never wider than one

export default { strip: (timeline) => new Minimap(timeline) };

class Minimap {
  constructor(timeline) {
    this.timeline = timeline;
    this.data = [];
    this.element = h("canvas.minimap", { "aria-label": "The whole sequence; drag to move", tabindex: "-1" });
    this.element.addEventListener("pointerdown", (event) => { this.element.setPointerCapture(event.pointerId); this.centre(event); });
    this.element.addEventListener("pointermove", (event) => { if (event.buttons) this.centre(event); });
  }

  /** Move the view so that the step under the pointer is in its middle. */
  centre(event) {
    const { timeline } = this, box = this.element.getBoundingClientRect(), size = timeline.view.to - timeline.view.from;
    timeline.pan(((event.clientX - box.left) / box.width) * timeline.length - size / 2 - timeline.view.from);
  }

  /** The pinned rows over the whole sequence, which are all that it shows of the rows. */
  async load() {
    const { timeline } = this;
    this.data = await Promise.all(timeline.keys.map((key) => timeline.asked("timeline", { rows: 0, columns: COLUMNS, also: [...timeline.pinsOf(key)] }, key)));
    this.data.forEach((data, i) => timeline.boundaries.set(timeline.keys[i], data.boundaries));
  }

  draw() {
    const { element, timeline } = this, pen = element.getContext("2d"), ratio = devicePixelRatio, wide = element.clientWidth, tall = element.clientHeight;
    const size = [Math.round(wide * ratio), Math.round(tall * ratio)];
    if (element.width !== size[0] || element.height !== size[1]) [element.width, element.height] = size;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = (step) => (step / timeline.length) * wide;
    pen.fillStyle = colour("lift"); pen.fillRect(0, 0, wide, tall);
    pen.fillStyle = colour("faint"); pen.globalAlpha = 0.55;
    for (const step of timeline.boundaries.get(timeline.keys[0]) ?? []) pen.fillRect(x(step), 0, 1, tall);
    pen.globalAlpha = 1;
    const rows = this.data.flatMap((data) => data.rows.map((row) => [data, row])), high = tall / rows.length;
    rows.forEach(([data, row], i) => {
      pen.fillStyle = colour(hueOf(row));
      for (const column of row.columns) pen.fillRect(x(column * data.stride), i * high + 1, Math.max(1, x(data.stride)), Math.max(1, high - 2));
    });
    // At least three pixels, so that a narrow view of a long sequence can be seen and taken hold of.
    const a = x(timeline.view.from), b = Math.max(a + 3, x(timeline.view.to));
    pen.fillStyle = colour("ink"); pen.globalAlpha = 0.09; pen.fillRect(a, 0, b - a, tall);
    pen.globalAlpha = 1; pen.strokeStyle = colour("ink"); pen.lineWidth = 1.5; pen.strokeRect(a + 0.75, 0.75, b - a - 1.5, tall - 1.5);
  }
}
