// What hands do to the timeline: wheel, drag, click and keys, as calls on the view.

const STEP = 60; // pixels that an arrow key pans

/** Listen on one chart's canvas. */
export function handle(timeline, chart) {
  const { canvas } = chart;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) / chart.scale, (event.clientY - box.top) / chart.scale]; };
  let held = null;

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x] = place(event);
    const size = event.deltaMode === 1 ? 16 : 1;
    if (event.altKey) timeline.scrollRows(chart, (event.deltaY * size) / 16);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) timeline.pan(((event.deltaX || event.deltaY) * size) / chart.pitch);
    else timeline.zoom(Math.exp(event.deltaY * size * 0.0018), (chart.stepAt(Math.max(x, chart.gutter))) ?? timeline.view.from);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const [x, y] = place(event);
    held = { x, y, from: timeline.view.from, scroll: chart.scroll, far: false, selecting: x >= chart.gutter && y < chart.top };
    if (held.selecting) held.step = chart.stepAt(x);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (!held) return timeline.point(chart, x, y, event);
    held.far ||= Math.hypot(x - held.x, y - held.y) > 4;
    if (!held.far) return null;
    if (held.selecting) {
      const to = chart.stepAt(Math.max(chart.gutter, x));
      timeline.select(Math.min(held.step, to), Math.max(held.step, to) + 1, false);
    } else {
      canvas.style.cursor = "grabbing";
      timeline.pan(held.from - (x - held.x) / chart.pitch - timeline.view.from);
      timeline.scrollRows(chart, held.scroll - (y - held.y) / 16 - chart.scroll);
    }
    return null;
  });
  const release = (event) => {
    if (!held) return;
    const { far, selecting } = held, [x, y] = place(event);
    held = null;
    canvas.style.cursor = "";
    if (selecting) { if (far) timeline.select(...timeline.selection, true); else timeline.select(null); }
    else if (!far) { const row = chart.rowAt(y); if (row !== null) { if (event.detail > 1) return; timeline.pin(chart, row); } }
    timeline.point(chart, x, y, event);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("dblclick", (event) => { const row = chart.rowAt(place(event)[1]); if (row !== null) timeline.openFeature(chart, row); });
  canvas.addEventListener("pointerleave", () => { if (!held) timeline.leave(); });
  canvas.addEventListener("blur", () => timeline.leave());

  canvas.addEventListener("keydown", (event) => {
    const at = timeline.cursor?.chart === chart ? timeline.cursor : { row: Math.floor(chart.scroll), step: Math.ceil(timeline.view.from) };
    const row = at.row ?? 0, step = at.step ?? Math.ceil(timeline.view.from);
    const moves = { ArrowRight: [row, step + 1], ArrowLeft: [row, step - 1], ArrowDown: [row + 1, step], ArrowUp: [row - 1, step] };
    if (moves[event.key]) {
      if (event.shiftKey && event.key.match(/Left|Right/)) {
        const by = event.key === "ArrowRight" ? 1 : -1, [a, b] = timeline.selection ?? [step, step + 1];
        timeline.select(a, Math.max(a + 1, b + by), true);
      } else timeline.moveTo(chart, ...moves[event.key]);
    } else if (event.key === "+" || event.key === "=") timeline.zoom(0.7, step);
    else if (event.key === "-") timeline.zoom(1 / 0.7, step);
    else if (event.key === "0") timeline.whole();
    else if (event.key === "PageDown" || event.key === "PageUp") timeline.pan(((event.key === "PageDown" ? 1 : -1) * (chart.wide - STEP)) / chart.pitch);
    else if (event.key === "Home") timeline.pan(-1e12);
    else if (event.key === "End") timeline.pan(1e12);
    else if (event.key === "Enter") timeline.pin(chart, row);
    else if (event.key === " ") timeline.openFeature(chart, row);
    else if (event.key === "Escape") { timeline.select(null); timeline.leave(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
