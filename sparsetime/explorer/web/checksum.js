// Checksums of the data that a page reads from files: CRC-32, as the package writes them.

const MARK = /sparsetime:[0-9]{1,4}:([0-9a-f]{8}):crc32/;
const POLYNOMIAL = 0xedb88320; // of CRC-32 (ISO 3309), bits reversed

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/**
 * CRC-32 of bytes, as eight hexadecimal digits.
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

/**
 * The value of JSON that holds a checksum of itself: the CRC-32 of its bytes with zeros for the
 * digits of the checksum.
 * @param {string} text
 * @param {string} name of the data, for the error
 * @returns {any}
 */
export function readMarked(text, name) {
  const mark = MARK.exec(text);
  if (mark) {
    const start = mark.index + mark[0].indexOf(mark[1], "sparsetime:0:".length);
    const unsigned = `${text.slice(0, start)}00000000${text.slice(start + 8)}`;
    if (crc32(new TextEncoder().encode(unsigned)) === mark[1]) return JSON.parse(text);
  }
  throw new Error(damaged(name));
}

/**
 * What a page says where data are not those that were written.
 * @param {string} name
 */
export const damaged = (name) =>
  `${name} is damaged: its bytes are not those that were written. Copy the files again, or write them again.`;
