// The pattern map, the lines of the chosen step, and the arcs to what it read and from what read it.

import { ticks } from "../../web/timeline_axis.js";
import { fitted } from "../../web/timeline_rows.js";
import { ARCS, AXIS_TEXT, GUTTER, shown } from "./geometry.js";

/** @typedef {import("./board.js").Board} Board */

/** @param {Board} board */
export function drawMap(board) {
  const { pen, state, hues, mapTop, mapHeight, wide } = board;
  const { map, queries, view } = state;
  board.clipped(mapTop, mapHeight, () => {
    if (!map || !board.cells) return;
    pen.imageSmoothingEnabled = false;
    const [left, right] = [map.key_edges[0], map.key_edges[map.key_edges.length - 1]];
    const [above, below] = [map.query_edges[0], map.query_edges[map.query_edges.length - 1]];
    // The last row and column may hold fewer steps: drawn as wide as the others, and clipped.
    const across = (map.key_edges[1] - left) * board.cells.width;
    const down = (map.query_edges[1] - above) * board.cells.height;
    const height = board.y(above + down) - board.y(above);
    pen.save();
    pen.beginPath();
    pen.rect(
      board.x(left),
      board.y(above),
      (right - left) * board.pitch,
      board.y(below) - board.y(above),
    );
    pen.clip();
    pen.drawImage(board.cells, board.x(left), board.y(above), across * board.pitch, height);
    pen.restore();
  });
  pen.strokeStyle = hues.rule;
  pen.strokeRect(GUTTER + 0.5, mapTop + 0.5, wide - 1, mapHeight - 1);
  pen.fillStyle = hues.faint;
  pen.font = `11px ${board.sans}`;
  pen.textAlign = "right";
  const pitch = mapHeight / queries.width;
  if (pitch >= 12) {
    pen.fillStyle = hues.ink;
    const { first, stop } = queries.steps;
    for (let step = first; step < stop; step += 1) {
      const base = board.y(step + 0.5) + 4;
      if (base > mapTop + 8 && base < mapTop + mapHeight)
        pen.fillText(fitted(pen, shown(view.texts[step]), GUTTER - 18), GUTTER - 10, base);
    }
  } else {
    pen.fillText("by step ↓", GUTTER - 10, mapTop + 12);
    for (const { step, label } of ticks(queries, AXIS_TEXT, 60 / pitch)) {
      const y = board.y(step);
      if (y > mapTop + 22) pen.fillText(label, GUTTER - 10, y + 4);
      pen.fillRect(GUTTER - 6, Math.round(y), 5, 1);
    }
  }
  pen.textAlign = "left";
}

/** @param {Board} board */
export function drawStep(board) {
  const { pen, state, hues, mapTop, mapHeight } = board;
  if (state.step === null) return;
  const x = board.x(state.step + 0.5);
  const y = board.y(state.step + 0.5);
  pen.strokeStyle = hues.ink;
  pen.globalAlpha = 0.75;
  pen.setLineDash([3, 3]);
  pen.beginPath();
  if (x >= GUTTER && x <= GUTTER + board.wide) {
    pen.moveTo(x, ARCS);
    pen.lineTo(x, mapTop + mapHeight);
  }
  if (y >= mapTop && y <= mapTop + mapHeight) {
    pen.moveTo(GUTTER, y);
    pen.lineTo(GUTTER + board.wide, y);
  }
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/** @param {Board} board */
export function drawArcs(board) {
  const { pen, state, hues } = board;
  const { moment, policy } = state;
  pen.fillStyle = hues.soft;
  pen.font = `11px ${board.sans}`;
  if (!moment) {
    pen.fillStyle = hues.faint;
    pen.fillText("Click a step: arcs to what it read, and from what read it.", GUTTER, ARCS - 10);
    return;
  }
  board.clipped(0, ARCS, () => {
    const from = board.x(moment.step + 0.5);
    for (const [steps, hue] of /** @type {const} */ ([
      [moment.readers, hues.high],
      [moment.reads, hues.low],
    ])) {
      for (const { step, weight, read } of steps) {
        if (step === moment.step) continue;
        const to = board.x(step + 0.5);
        const across = Math.abs(to - from) / 2;
        const high = Math.min(ARCS - 8, 10 + 1.4 * across ** 0.75);
        pen.strokeStyle = hue;
        pen.globalAlpha = Math.min(1, 0.12 + weight ** 0.6);
        pen.lineWidth = 0.6 + 2.6 * Math.sqrt(weight);
        pen.setLineDash(policy === null || read[policy] ? [] : [3, 3]);
        pen.beginPath();
        pen.ellipse((from + to) / 2, ARCS, across, high, 0, Math.PI, 2 * Math.PI);
        pen.stroke();
      }
    }
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
  });
}
