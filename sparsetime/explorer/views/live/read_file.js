// Files as series of numbers: WAV, NumPy arrays, and tables as text.

/** @typedef {{values: number[][], rate: number | null}} Series rows of numbers, and rows a second */

/**
 * A file as a series. Errors in words for what cannot be read.
 * @param {File} file
 * @returns {Promise<Series>}
 */
export async function readSeries(file) {
  const name = file.name.toLowerCase();
  if (name.endsWith(".wav")) return readWav(await file.arrayBuffer());
  if (name.endsWith(".npy")) return { values: readNpy(await file.arrayBuffer()), rate: null };
  if (/\.(csv|tsv|txt)$/.test(name)) return { values: readTable(await file.text()), rate: null };
  throw new Error(`Got ${file.name}, expected a .wav, .npy or .csv file.`);
}

/**
 * Rows of numbers in a text; a first row without numbers names the channels.
 * @param {string} text
 */
export function readTable(text) {
  const rows = text
    .trim()
    .split(/\n+/)
    .map((line) =>
      line
        .trim()
        .split(/[\s,;]+/)
        .map(Number),
    );
  return rows.filter((row, i) => i || row.every(Number.isFinite));
}

/**
 * A WAV file of PCM or float samples.
 * @param {ArrayBuffer} buffer
 * @returns {Series}
 */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const tag = (/** @type {number} */ at) =>
    String.fromCharCode(...new Uint8Array(buffer, at, Math.min(4, buffer.byteLength - at)));
  if (buffer.byteLength < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE")
    throw new Error("This is no WAV file.");
  let [format, channels, rate, bits] = [1, 1, 0, 16];
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const begin = at + 8;
    if (tag(at) === "fmt ") {
      format = view.getUint16(begin, true);
      channels = view.getUint16(begin + 2, true);
      rate = view.getUint32(begin + 4, true);
      bits = view.getUint16(begin + 14, true);
      if (format === 0xfffe) format = view.getUint16(begin + 24, true); // WAVE_FORMAT_EXTENSIBLE
    } else if (tag(at) === "data") {
      const read = sampleReader(view, format, bits);
      const block = (bits / 8) * channels;
      const count = Math.floor(Math.min(size, buffer.byteLength - begin) / block);
      const values = Array.from({ length: count }, (_, i) =>
        Array.from({ length: channels }, (_channel, c) => read(begin + i * block + (c * bits) / 8)),
      );
      return { values, rate };
    }
    at = begin + size + (size % 2);
  }
  throw new Error("This WAV file has no samples.");
}

/**
 * A function that reads a sample at a place, from -1 to 1.
 * @param {DataView} view
 * @param {number} format
 * @param {number} bits
 * @returns {(at: number) => number}
 */
function sampleReader(view, format, bits) {
  if (format === 3 && bits === 32) return (at) => view.getFloat32(at, true);
  if (format === 3 && bits === 64) return (at) => view.getFloat64(at, true);
  if (format === 1 && bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (format === 1 && bits === 16) return (at) => view.getInt16(at, true) / 32768;
  if (format === 1 && bits === 24)
    return (at) => (view.getInt16(at + 1, true) * 256 + view.getUint8(at)) / 8388608;
  if (format === 1 && bits === 32) return (at) => view.getInt32(at, true) / 2147483648;
  throw new Error(
    `This WAV file has samples of format ${format} with ${bits} bits; save it as PCM.`,
  );
}

/** Readers of NumPy's types of numbers: bytes, and the method of a DataView. */
const TYPES = /** @type {const} */ ({
  f4: [4, "getFloat32"],
  f8: [8, "getFloat64"],
  i1: [1, "getInt8"],
  u1: [1, "getUint8"],
  i2: [2, "getInt16"],
  u2: [2, "getUint16"],
  i4: [4, "getInt32"],
  u4: [4, "getUint32"],
});

/**
 * A NumPy array [time] or [time, channels].
 * @param {ArrayBuffer} buffer
 */
export function readNpy(buffer) {
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  if (buffer.byteLength < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY")
    throw new Error("This is no NumPy file.");
  const long = bytes[6] > 1;
  const size = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const begin = (long ? 12 : 10) + size;
  const head = new TextDecoder().decode(bytes.subarray(long ? 12 : 10, begin));
  const type = /'descr':\s*'([<>|=])(\w\d)'/.exec(head);
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(head)?.[1] ?? "").split(",").filter((x) => x.trim());
  const known = type && TYPES[/** @type {keyof typeof TYPES} */ (type[2])];
  if (!known || /'fortran_order':\s*True/.test(head) || shape.length < 1 || shape.length > 2)
    throw new Error("Expected an array of numbers [time] or [time, channels], in C order.");
  const [width, method] = known;
  const [count, channels] = [Number(shape[0]), Number(shape[1] ?? 1)];
  if (begin + count * channels * width > buffer.byteLength)
    throw new Error("This NumPy file is cut off.");
  const little = type[1] !== ">";
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: channels }, (_channel, c) =>
      view[method](begin + (i * channels + c) * width, little),
    ),
  );
}
