// Cells of a pattern map as pixels: mass that policies read or miss, and pairs read for nothing.

/** @typedef {[number, number, number]} Colour red, green and blue */
/** @typedef {"missed" | "kept" | "second" | "both" | "wasted" | "second_wasted"} Part */

/** What each part of the map is drawn in: a colour of the page, and how opaque a full cell is. */
export const HUES = /** @type {const} */ ({
  wasted: ["low", 0.2],
  second_wasted: ["green", 0.2],
  kept: ["low", 1],
  second: ["green", 1],
  both: ["violet", 1],
  missed: ["high", 1],
});

/**
 * Bytes of an answer.
 * @param {string} base64
 */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * One byte of an answer, without the others.
 * @param {string} base64
 * @param {number} at
 */
export function byteAt(base64, at) {
  const start = 4 * Math.floor(at / 3); // three bytes are four letters
  return bytesOf(base64.slice(start, start + 4))[at % 3];
}

/**
 * Pixels of a map, red, green, blue and opacity. Parts are laid over the paper in the order of HUES.
 * @param {Pick<Api.AttentionMap, Part | "query_edges" | "key_edges">} map
 * @param {(name: string) => Colour} hue
 * @param {boolean} plain whether no policy is shown, so that all mass is of one colour
 */
export function pixelsOf(map, hue, plain) {
  const count = (map.query_edges.length - 1) * (map.key_edges.length - 1);
  const [red, green, blue] = hue("paper");
  const pixels = new Uint8ClampedArray(4 * count);
  new Uint32Array(pixels.buffer).fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
  for (const [part, [name, opacity]] of Object.entries(HUES)) {
    const text = map[/** @type {Part} */ (part)];
    if (!text) continue;
    const levels = bytesOf(text);
    const colour = hue(plain ? "ink" : name);
    for (let i = 0; i < count; i += 1) {
      if (!levels[i]) continue;
      const share = (levels[i] / 255) * opacity;
      const at = 4 * i;
      pixels[at] += (colour[0] - pixels[at]) * share;
      pixels[at + 1] += (colour[1] - pixels[at + 1]) * share;
      pixels[at + 2] += (colour[2] - pixels[at + 2]) * share;
    }
  }
  return pixels;
}

/**
 * The cell of a step among edges, -1 outside of them.
 * @param {readonly number[]} edges
 * @param {number} step
 */
export function cellOf(edges, step) {
  if (step < edges[0] || step >= edges[edges.length - 1]) return -1;
  return Math.min(edges.length - 2, Math.floor((step - edges[0]) / (edges[1] - edges[0])));
}
