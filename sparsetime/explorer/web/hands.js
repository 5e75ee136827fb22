// What hands do to the score: wheel, drag, click and keys, as calls on the view.

const STEP = 60; // pixels that an arrow key pans

/** Listen on one roll's canvas. */
export function handle(score, roll) {
  const { canvas } = roll;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) / roll.scale, (event.clientY - box.top) / roll.scale]; };
  let held = null;

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x] = place(event);
    const size = event.deltaMode === 1 ? 16 : 1;
    if (event.altKey) score.scrollRows(roll, (event.deltaY * size) / 16);
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) score.pan(((event.deltaX || event.deltaY) * size) / roll.pitch);
    else score.zoom(Math.exp(event.deltaY * size * 0.0018), (roll.stepAt(Math.max(x, roll.gutter))) ?? score.view.from);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const [x, y] = place(event);
    held = { x, y, from: score.view.from, scroll: roll.scroll, far: false, selecting: x >= roll.gutter && y < roll.top };
    if (held.selecting) held.step = roll.stepAt(x);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (!held) return score.point(roll, x, y, event);
    held.far ||= Math.hypot(x - held.x, y - held.y) > 4;
    if (!held.far) return null;
    if (held.selecting) {
      const to = roll.stepAt(Math.max(roll.gutter, x));
      score.select(Math.min(held.step, to), Math.max(held.step, to) + 1, false);
    } else {
      canvas.style.cursor = "grabbing";
      score.pan(held.from - (x - held.x) / roll.pitch - score.view.from);
      score.scrollRows(roll, held.scroll - (y - held.y) / 16 - roll.scroll);
    }
    return null;
  });
  const release = (event) => {
    if (!held) return;
    const { far, selecting } = held, [x, y] = place(event);
    held = null;
    canvas.style.cursor = "";
    if (selecting) { if (far) score.select(...score.span, true); else score.select(null); }
    else if (!far) { const row = roll.rowAt(y); if (row !== null) { if (event.detail > 1) return; score.pin(roll, row); } }
    score.point(roll, x, y, event);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("dblclick", (event) => { const row = roll.rowAt(place(event)[1]); if (row !== null) score.openFeature(roll, row); });
  canvas.addEventListener("pointerleave", () => { if (!held) score.leave(); });
  canvas.addEventListener("blur", () => score.leave());

  canvas.addEventListener("keydown", (event) => {
    const at = score.cursor?.roll === roll ? score.cursor : { row: Math.floor(roll.scroll), step: Math.ceil(score.view.from) };
    const row = at.row ?? 0, step = at.step ?? Math.ceil(score.view.from);
    const moves = { ArrowRight: [row, step + 1], ArrowLeft: [row, step - 1], ArrowDown: [row + 1, step], ArrowUp: [row - 1, step] };
    if (moves[event.key]) {
      if (event.shiftKey && event.key.match(/Left|Right/)) {
        const by = event.key === "ArrowRight" ? 1 : -1, [a, b] = score.span ?? [step, step + 1];
        score.select(a, Math.max(a + 1, b + by), true);
      } else score.moveTo(roll, ...moves[event.key]);
    } else if (event.key === "+" || event.key === "=") score.zoom(0.7, step);
    else if (event.key === "-") score.zoom(1 / 0.7, step);
    else if (event.key === "0") score.whole();
    else if (event.key === "PageDown" || event.key === "PageUp") score.pan(((event.key === "PageDown" ? 1 : -1) * (roll.wide - STEP)) / roll.pitch);
    else if (event.key === "Home") score.pan(-1e12);
    else if (event.key === "End") score.pan(1e12);
    else if (event.key === "Enter") score.pin(roll, row);
    else if (event.key === " ") score.openFeature(roll, row);
    else if (event.key === "Escape") { score.select(null); score.leave(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
