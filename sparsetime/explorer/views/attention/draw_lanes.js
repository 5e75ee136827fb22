// Lanes of the heads, rows of features and the axis of time, on the board of the attention view.

import { nameOf } from "../../web/dom.js";
import { ticks } from "../../web/timeline_axis.js";
import { fitted } from "../../web/timeline_rows.js";
import { AXIS, AXIS_TEXT, FEATURE, GUTTER, shown, WORD } from "./geometry.js";

/** @typedef {import("./board.js").Board} Board */

/** @param {Board} board */
export function drawLanes(board) {
  const { pen, state, hues, lane, lanesTop, wide } = board;
  const { lanes, view } = state;
  board.clipped(lanesTop, board.heads * lane, () => {
    if (!lanes || !board.columns) return;
    pen.imageSmoothingEnabled = false;
    const left = board.x(lanes.first);
    const across = lanes.stride * board.columns.width * board.pitch;
    const { columns, scroll, heads } = board;
    pen.drawImage(columns, 0, scroll, columns.width, heads, left, lanesTop, across, heads * lane);
    pen.fillStyle = hues.paper;
    for (let row = 1; row < heads; row += 1) pen.fillRect(GUTTER, lanesTop + row * lane, wide, 1);
  });
  let before = -1;
  for (let row = 0; row < board.heads; row += 1) {
    const { layer, head } = view.heads[row + board.scroll];
    const chosen = row + board.scroll === state.head;
    const base = lanesTop + row * lane + lane - 2.5;
    pen.font = `${chosen ? "600 " : ""}${Math.min(11, lane - 1)}px ${board.sans}`;
    pen.fillStyle = chosen ? hues.ink : hues.soft;
    pen.textAlign = "right";
    pen.fillText(`head ${head}`, GUTTER - 10, base);
    pen.textAlign = "left";
    if (layer !== before) pen.fillText(`layer ${layer}`, 6, base);
    before = layer;
    if (chosen) {
      pen.strokeStyle = hues.ink;
      pen.strokeRect(GUTTER - 0.5, lanesTop + row * lane - 0.5, wide, lane + 1);
    }
  }
}

/** @param {Board} board */
export function drawFeatures(board) {
  const { pen, state, hues } = board;
  state.features.forEach((row, i) => {
    const top = board.featuresTop + i * FEATURE;
    pen.font = `11px ${board.sans}`;
    pen.fillStyle = hues.soft;
    pen.textAlign = "right";
    pen.fillText(fitted(pen, nameOf(row, 2), GUTTER - 18), GUTTER - 10, top + 11);
    pen.textAlign = "left";
    board.clipped(top, FEATURE, () => {
      pen.fillStyle = hues.plain;
      const across = Math.max(1, board.pitch * state.featureStride);
      row.columns.forEach((column, at) => {
        pen.globalAlpha = 0.15 + (0.85 * row.strengths[at]) / 100;
        const x = board.x(state.featureFirst + column * state.featureStride);
        pen.fillRect(x, top + 2, across, FEATURE - 3);
      });
      pen.globalAlpha = 1;
    });
  });
}

/** @param {Board} board */
export function drawAxis(board) {
  const { pen, state, hues, axisTop, pitch } = board;
  const { texts } = state.view;
  pen.fillStyle = hues.faint;
  pen.font = `11px ${board.sans}`;
  board.clipped(axisTop, AXIS, () => {
    if (pitch >= WORD) {
      const { first, stop } = state.keys.steps;
      pen.fillStyle = hues.ink;
      for (let step = first; step < stop; step += 1)
        pen.fillText(fitted(pen, shown(texts[step]), pitch - 4), board.x(step) + 2, axisTop + 14);
      return;
    }
    for (const { step, label } of ticks(state.keys, AXIS_TEXT, 90 / pitch)) {
      pen.fillRect(Math.round(board.x(step)), axisTop + 2, 1, 5);
      pen.fillText(label, board.x(step) + 4, axisTop + 14);
    }
  });
  pen.fillStyle = hues.faint;
  pen.textAlign = "right";
  pen.fillText("read at step →", GUTTER - 10, axisTop + 14);
  pen.textAlign = "left";
}
