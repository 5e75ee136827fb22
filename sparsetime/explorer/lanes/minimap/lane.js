// The whole sequence in a strip over the timeline: change points, pinned rows, and the part in view.

import { colour, h, hueOf } from "../../web/dom.js";

const COLUMNS = 2048; // more than a screen has pixels, so that a column is never wider than one
const AGAIN = 3000; // milliseconds until change points that are still computed are asked for again
const NARROWEST = 3; // pixels, so that a narrow view of a long sequence can be seen and dragged

/** @typedef {import("../../web/timeline.js").Timeline} Timeline */

/** @type {StripLane} */
export default { strip: (timeline) => new Minimap(timeline) };

class Minimap {
  /** @type {TimelineData[]} one for each dictionary */
  data = [];

  /** @param {Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    const label = "The whole sequence; drag to move";
    this.element = h("canvas.minimap", { "aria-label": label, tabindex: "-1" });
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      this.centre(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (event.buttons) this.centre(event);
    });
  }

  /**
   * Move the view so that the step under the pointer is in its middle.
   * @param {PointerEvent} event
   */
  centre(event) {
    const box = this.element.getBoundingClientRect();
    const { from, to } = this.timeline.view;
    const step = ((event.clientX - box.left) / box.width) * this.timeline.length;
    this.timeline.pan(step - (to - from) / 2 - from);
  }

  /** Fetch the change points and the pinned rows over the whole sequence. */
  async load() {
    const { timeline } = this;
    this.data = await Promise.all(
      timeline.keys.map(async (key) => {
        const also = [...timeline.pinsOf(key)];
        const data = await timeline.asked("timeline", { rows: 0, columns: COLUMNS, also }, key);
        timeline.boundaries.set(key, data.boundaries);
        if (data.boundaries_known === false) setTimeout(() => this.loadLater(), AGAIN);
        return data;
      }),
    );
  }

  /** Ask again for change points of a long sequence, which the server still computes. */
  loadLater() {
    if (this.element.isConnected) this.load().then(() => this.timeline.draw());
  }

  draw() {
    const { element, timeline } = this;
    const pen = element.getContext("2d");
    if (!pen) return;
    const [width, height] = [element.clientWidth, element.clientHeight];
    const pixels = [width, height].map((length) => Math.round(length * devicePixelRatio));
    if (element.width !== pixels[0] || element.height !== pixels[1])
      [element.width, element.height] = pixels;
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const x = (/** @type {number} */ step) => (step / timeline.length) * width;
    pen.fillStyle = colour("lift");
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = colour("faint");
    pen.globalAlpha = 0.55;
    for (const step of timeline.boundaries.get(timeline.keys[0]) ?? [])
      pen.fillRect(x(step), 0, 1, height);
    pen.globalAlpha = 1;
    const rows = this.data.flatMap(({ stride, rows }) => rows.map((row) => ({ stride, row })));
    const band = height / rows.length;
    rows.forEach(({ stride, row }, i) => {
      pen.fillStyle = colour(hueOf(row));
      for (const column of row.columns) {
        const [left, top] = [x(column * stride), i * band + 1];
        pen.fillRect(left, top, Math.max(1, x(stride)), Math.max(1, band - 2));
      }
    });
    const left = x(timeline.view.from);
    const right = Math.max(left + NARROWEST, x(timeline.view.to));
    pen.fillStyle = colour("ink");
    pen.globalAlpha = 0.09;
    pen.fillRect(left, 0, right - left, height);
    pen.globalAlpha = 1;
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 1.5;
    pen.strokeRect(left + 0.75, 0.75, right - left - 1.5, height - 1.5); // inside the canvas
  }
}
