// Frames of pictures, of a video file and of a camera, scaled to the size that the model reads.

import { release } from "./stream.js";

/** @typedef {import("./frames.js").Frame} Frame */

const THUMBNAIL = 72; // pixels of its longer side
const USUAL_RATE = 25; // frames a second where the run has none

const PICTURES = /\.(png|jpe?g|webp|gif|bmp)$/i;
const VIDEOS = /\.(mp4|m4v|mov|mkv|webm|ogv)$/i;

/** What a field for files offers. */
export const ACCEPTED = ".png,.jpg,.jpeg,.webp,.gif,.bmp,.mp4,.m4v,.mov,.mkv,.webm,.ogv";

/**
 * Draws pictures at one size, and gives their bytes.
 */
export class FramePainter {
  /** @param {readonly [number, number]} size height and width */
  constructor([height, width]) {
    this.canvas = new OffscreenCanvas(width, height);
    const share = Math.min(1, THUMBNAIL / Math.max(height, width));
    this.small = document.createElement("canvas");
    this.small.width = Math.max(1, Math.round(width * share));
    this.small.height = Math.max(1, Math.round(height * share));
  }

  /**
   * @param {CanvasImageSource} source
   * @returns {Frame}
   */
  frame(source) {
    const { canvas, small } = this;
    const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (
      canvas.getContext("2d", { willReadFrequently: true })
    );
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    small.getContext("2d")?.drawImage(canvas, 0, 0, small.width, small.height);
    return { pixels: withoutAlpha(data), picture: small.toDataURL() };
  }
}

/**
 * RGB of RGBA.
 * @param {Uint8ClampedArray} data
 */
export function withoutAlpha(data) {
  const pixels = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + 1];
    pixels[to + 2] = data[from + 2];
  }
  return pixels;
}

/**
 * The files in the order of their names, in which numbers count as numbers: frame 2 before frame 10.
 * Errors in words for what is no picture and no video, and for several videos.
 * @param {readonly File[]} files
 */
export function sortedFrames(files) {
  const isVideo = files.length === 1 && VIDEOS.test(files[0].name);
  const other = files.find(({ name }) => !PICTURES.test(name));
  if (other && !isVideo)
    throw new Error(`Got ${other.name}, expected pictures (png, jpg, webp) or one video file.`);
  const order = new Intl.Collator("en", { numeric: true });
  return { isVideo, files: [...files].sort((a, b) => order.compare(a.name, b.name)) };
}

/**
 * The frames of pictures, a file each, or of one video file at a rate.
 * @param {readonly File[]} files
 * @param {readonly [number, number]} size
 * @param {number | null} rate frames a second
 * @returns {AsyncGenerator<Frame>}
 */
export async function* readFrames(files, size, rate) {
  const sorted = sortedFrames(files);
  const painter = new FramePainter(size);
  if (sorted.isVideo) {
    yield* videoFrames(sorted.files[0], painter, rate ?? USUAL_RATE);
    return;
  }
  for (const file of sorted.files) {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Error(`${file.name} cannot be read as a picture.`);
    });
    yield painter.frame(bitmap);
    bitmap.close();
  }
}

/**
 * @param {File} file
 * @param {FramePainter} painter
 * @param {number} rate
 * @returns {AsyncGenerator<Frame>}
 */
async function* videoFrames(file, painter, rate) {
  const video = document.createElement("video");
  video.muted = true;
  video.src = URL.createObjectURL(file);
  try {
    await happens(video, "loadeddata", `${file.name} cannot be read as a video by this browser.`);
    const duration = await lengthOf(video);
    // In the middle of each frame, so that rounding never shows its neighbour.
    for (let number = 0; (number + 0.5) / rate < duration; number += 1) {
      const sought = happens(video, "seeked", `${file.name} is damaged at frame ${number}.`);
      video.currentTime = (number + 0.5) / rate;
      await sought;
      yield painter.frame(video);
    }
  } finally {
    URL.revokeObjectURL(video.src);
  }
}

/**
 * Seconds of a video. Files that were recorded in a browser do not say: a seek behind the end does.
 * @param {HTMLVideoElement} video
 */
async function lengthOf(video) {
  if (Number.isFinite(video.duration)) return video.duration;
  const sought = happens(video, "seeked", "This video has no end.");
  video.currentTime = 1e9;
  await sought;
  return Number.isFinite(video.duration) ? video.duration : video.currentTime;
}

/**
 * @param {HTMLVideoElement} video
 * @param {string} event
 * @param {string} error
 */
function happens(video, event, error) {
  const waiting = new AbortController(); // a video has thousands of frames, each waited for
  const { signal } = waiting;
  return new Promise((done, failed) => {
    video.addEventListener(event, done, { signal });
    video.addEventListener("error", () => failed(new Error(error)), { signal });
  }).finally(() => waiting.abort());
}

/**
 * Watch the camera at the rate of the run.
 * @param {readonly [number, number]} size
 * @param {number | null} rate
 * @param {(rows: Frame[]) => unknown} push
 * @returns {Promise<() => void>} stops watching
 */
export async function watchCamera(size, rate, push) {
  const media = await navigator.mediaDevices.getUserMedia({ video: true });
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = media;
  try {
    await video.play();
  } catch (error) {
    release(media);
    throw error;
  }
  const painter = new FramePainter(size);
  const timer = setInterval(() => push([painter.frame(video)]), 1000 / (rate ?? USUAL_RATE));
  return () => {
    clearInterval(timer);
    release(media);
  };
}
