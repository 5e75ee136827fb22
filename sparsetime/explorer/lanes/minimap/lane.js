// The whole sequence in a strip over the timeline: where it turns, where pinned rows sound, what is in view.

import { colour, h, hueOf } from "../../web/dom.js";

export function makeMinimap(timeline) {
  const canvas = h("canvas.map", { "aria-label": "The whole sequence; drag to move", tabindex: "-1" }), map = { canvas, data: [] };
  const centre = (event) => {
    const box = canvas.getBoundingClientRect(), size = timeline.view.to - timeline.view.from;
    timeline.pan(((event.clientX - box.left) / box.width) * timeline.length - size / 2 - timeline.view.from);
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); centre(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) centre(event); });

  map.draw = () => {
    const pen = canvas.getContext("2d"), ratio = devicePixelRatio, wide = canvas.clientWidth, tall = canvas.clientHeight;
    const size = [Math.round(wide * ratio), Math.round(tall * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const x = (step) => (step / timeline.length) * wide;
    pen.fillStyle = colour("lift"); pen.fillRect(0, 0, wide, tall);
    pen.fillStyle = colour("faint"); pen.globalAlpha = 0.55;
    for (const step of timeline.boundaries.get(timeline.keys[0]) ?? []) pen.fillRect(x(step), 0, 1, tall);
    pen.globalAlpha = 1;
    const rows = map.data.flatMap((data) => data.rows.map((row) => [data, row])), high = tall / rows.length;
    rows.forEach(([data, row], i) => {
      pen.fillStyle = colour(hueOf(row));
      for (const column of row.columns) pen.fillRect(x(column * data.stride), i * high + 1, Math.max(1, x(data.stride)), Math.max(1, high - 2));
    });
    const a = x(timeline.view.from), b = Math.max(a + 3, x(timeline.view.to));
    pen.fillStyle = colour("ink"); pen.globalAlpha = 0.09; pen.fillRect(a, 0, b - a, tall);
    pen.globalAlpha = 1; pen.strokeStyle = colour("ink"); pen.lineWidth = 1.5; pen.strokeRect(a + 0.75, 0.75, b - a - 1.5, tall - 1.5);
  };
  return map;
}
