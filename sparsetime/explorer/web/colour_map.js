// Pictures of a pixel a value, coloured between the colours of the page.

/** @typedef {{key: string, canvas: HTMLCanvasElement}} Picture */

/** @type {WeakMap<object, Picture>} */
const pictures = new WeakMap();

/**
 * A canvas of `columns` by `rows` pixels; the same one until the data or the colours change.
 * @param {object} data what it is a picture of
 * @param {number} columns
 * @param {number} rows
 * @param {string[]} colours from shade 0 to shade 255, two or three
 * @param {(shades: Float32Array) => void} fill writes a shade for every pixel, row after row
 */
export function pictureOf(data, columns, rows, colours, fill) {
  const key = colours.join();
  const known = pictures.get(data);
  if (known?.key === key) return known.canvas;
  const shades = new Float32Array(columns * rows);
  fill(shades);
  const table = colourTable(colours);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser has no canvas to draw a heat map on.");
  const image = pen.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < shades.length; i += 1)
    pixels[i] = table[Math.max(0, Math.min(255, Math.round(shades[i])))];
  pen.putImageData(image, 0, 0);
  pictures.set(data, { key, canvas });
  return canvas;
}

/**
 * 256 colours as pixels of an ImageData, from the first colour over the others to the last.
 * @param {string[]} colours
 */
export function colourTable(colours) {
  const stops = colours.map(channelsOf);
  return Uint32Array.from({ length: 256 }, (_, shade) => {
    const place = (shade / 255) * (stops.length - 1);
    const at = Math.min(stops.length - 2, Math.floor(place));
    const share = place - at;
    const [red, green, blue] = [0, 1, 2].map((i) =>
      Math.round(stops[at][i] + (stops[at + 1][i] - stops[at][i]) * share),
    );
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
}

/** @type {Map<string, number[]>} */
const parsed = new Map();

/**
 * Red, green and blue of a colour as style sheets write it.
 * @param {string} colour
 */
function channelsOf(colour) {
  const known = parsed.get(colour);
  if (known) return known;
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!pen) return [0, 0, 0];
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  const channels = [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  parsed.set(colour, channels);
  return channels;
}
