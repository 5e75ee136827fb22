// Wheel, drags, clicks and keys on the board of the attention view.

import { hush, percent, say } from "../../web/dom.js";
import { byteAt, cellOf } from "./cells.js";
import { GUTTER, shown } from "./geometry.js";

const CLICK = 4; // pixels; a longer movement is a drag

/** @typedef {import("./board.js").Board} Board */
/** @typedef {{moved: () => void, choose: (step: number | null) => unknown, chooseHead: (head: number) => void}} Actions */

/**
 * @param {Board} board
 * @param {Actions} actions
 */
export function listen(board, actions) {
  const { canvas } = board;
  /** @type {{x: number, y: number, keys: number, queries: number, moved: boolean} | null} */
  let drag = null;
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault(); // or the page would scroll as well
      const { x, y } = placeOf(board, event);
      const factor = Math.exp(event.deltaY * 0.0018);
      zoom(board, factor, board.keyAt(Math.max(x, GUTTER)), y >= board.mapTop ? y : null);
      actions.moved();
    },
    { passive: false },
  );
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const { keys, queries } = board.state;
    drag = { ...placeOf(board, event), keys: keys.from, queries: queries.from, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const { x, y } = placeOf(board, event);
    if (!drag) {
      point(board, event);
      return;
    }
    drag.moved ||= Math.hypot(x - drag.x, y - drag.y) > CLICK;
    if (!drag.moved) return;
    hush();
    const { keys, queries } = board.state;
    keys.pan(drag.keys - (x - drag.x) / board.pitch - keys.from);
    if (drag.y >= board.mapTop) {
      const down = ((y - drag.y) / board.mapHeight) * queries.width;
      queries.pan(drag.queries - down - queries.from);
    }
    actions.moved();
  });
  canvas.addEventListener("pointerup", (event) => {
    const wasDrag = drag?.moved;
    drag = null;
    if (wasDrag) return;
    const { x, y } = placeOf(board, event);
    const head = board.headAt(y);
    if (x >= GUTTER)
      actions.choose(Math.floor(y >= board.mapTop ? board.queryAt(y) : board.keyAt(x)));
    if (head !== null) actions.chooseHead(head);
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener("pointerleave", hush);
  canvas.addEventListener("keydown", (event) => {
    const act = actionOf(board, actions, event);
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * Zoom both axes; the queries around a height of the map, else as the keys.
 * @param {Board} board
 * @param {number} factor
 * @param {number} key
 * @param {number | null} y
 */
function zoom(board, factor, key, y) {
  const { keys, queries } = board.state;
  queries.zoom(factor, y === null ? key : board.queryAt(y));
  keys.zoom(factor, key);
}

/**
 * @param {Board} board
 * @param {Actions} actions
 * @param {KeyboardEvent} event
 * @returns {(() => void) | undefined}
 */
function actionOf(board, { moved, choose, chooseHead }, { key, shiftKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return undefined;
  const { state } = board;
  const { keys, queries } = state;
  const step = state.step ?? Math.floor((keys.from + keys.to) / 2);
  const to = (/** @type {number} */ by) => () => {
    const next = Math.max(0, Math.min(state.view.texts.length - 1, step + by));
    if (next < keys.from) keys.pan(next - keys.from);
    if (next + 1 > keys.to) keys.pan(next + 1 - keys.to);
    if (next < queries.from) queries.pan(next - queries.from);
    if (next + 1 > queries.to) queries.pan(next + 1 - queries.to);
    moved();
    choose(next);
  };
  const by = (/** @type {number} */ share) => () => {
    keys.pan(share * keys.width);
    queries.pan(share * queries.width);
    moved();
  };
  const zoomed = (/** @type {number} */ factor) => () => {
    zoom(board, factor, step, null);
    moved();
  };
  /** @type {Record<string, () => void>} */
  const acts = {
    ArrowRight: to(shiftKey ? 10 : 1),
    ArrowLeft: to(shiftKey ? -10 : -1),
    ArrowDown: () => chooseHead(state.head + 1),
    ArrowUp: () => chooseHead(state.head - 1),
    "+": zoomed(0.7),
    "=": zoomed(0.7),
    "-": zoomed(1 / 0.7),
    0: () => {
      keys.place(0, keys.length);
      queries.place(0, queries.length);
      moved();
    },
    PageDown: by(0.8),
    PageUp: by(-0.8),
    Escape: () => choose(null),
  };
  return Object.hasOwn(acts, key) ? acts[key] : undefined;
}

/**
 * Say what is under the pointer.
 * @param {Board} board
 * @param {PointerEvent} event
 */
function point(board, event) {
  const { state } = board;
  const { view, map, policy } = state;
  const { x, y } = placeOf(board, event);
  board.canvas.style.cursor = x >= GUTTER ? "crosshair" : "pointer";
  const key = Math.floor(board.keyAt(x));
  const place = { x: event.clientX, y: event.clientY };
  const named = (/** @type {number} */ step) =>
    `${shown(view.texts[step])} (${step.toLocaleString("en")})`;
  if (x < GUTTER || key < 0 || key >= view.texts.length) {
    hush();
    return;
  }
  const head = board.headAt(y);
  if (head !== null) {
    say(place, named(key), `layer ${view.heads[head].layer}, head ${view.heads[head].head}`);
    return;
  }
  const query = Math.floor(board.queryAt(y));
  if (y < board.mapTop || !map || query < 0 || query >= view.texts.length) {
    hush();
    return;
  }
  const [row, column] = [cellOf(map.query_edges, query), cellOf(map.key_edges, key)];
  if (row < 0 || column < 0) return;
  const at = row * (map.key_edges.length - 1) + column;
  // Levels are square roots of shares of `most`; those of the last are cut.
  const mass = (/** @type {string} */ levels) =>
    levels ? map.most * (byteAt(levels, at) / 255) ** 2 : 0;
  const kept = mass(map.kept) + mass(map.both);
  const all = kept + mass(map.second) + mass(map.missed);
  const of =
    map.query_edges[1] - map.query_edges[0] > 1 ? "mean mass of a query here" : "attention mass";
  const lines = [`${named(query)} reads ${named(key)}`, `${of}: ${percent(all)}`];
  if (policy !== null && all)
    lines.push(`${view.entry.policies[policy]} keeps ${percent(kept / all)}`);
  say(place, ...lines);
}

/**
 * @param {Board} board
 * @param {MouseEvent} event
 */
function placeOf({ canvas }, event) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
