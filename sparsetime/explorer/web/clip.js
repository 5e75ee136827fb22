// A clip: one HTML file with the sound of a segment, its waveform and the row of a feature.

const HEADER = 44; // bytes of a WAV file before its samples

/**
 * @typedef {object} Clip
 * @property {string} title
 * @property {string} feature the feature's name and number
 * @property {string} place of the segment, in words
 * @property {number[]} strengths percent of the feature's largest activation, one a step
 * @property {Uint8Array} wav
 */

/**
 * Some seconds of a WAV file as a file of their own, read by a range where the server gives ranges.
 * @param {string} address
 * @param {number} from seconds
 * @param {number} to
 */
export async function readSound(address, from, to) {
  const head = new DataView((await readBytes(address, 0, HEADER)).buffer);
  const [rate, block] = [head.getUint32(24, true), head.getUint16(32, true)];
  const size = head.getUint32(40, true);
  const edge = (/** @type {number} */ seconds) =>
    Math.min(size, Math.max(0, Math.round(seconds * rate) * block));
  const [first, stop] = [edge(from), edge(to)];
  const data = await readBytes(address, HEADER + first, HEADER + stop);
  const wav = new Uint8Array(HEADER + data.length);
  wav.set(new Uint8Array(head.buffer));
  wav.set(data, HEADER);
  const view = new DataView(wav.buffer);
  view.setUint32(4, HEADER - 8 + data.length, true);
  view.setUint32(40, data.length, true);
  return wav;
}

/**
 * Bytes of a file; servers without ranges send it whole.
 * @param {string} address
 * @param {number} first
 * @param {number} stop
 */
async function readBytes(address, first, stop) {
  const response = await fetch(address, { headers: { Range: `bytes=${first}-${stop - 1}` } });
  if (!response.ok) throw new Error("The sound cannot be read; is it among the exported files?");
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 206 ? bytes.slice() : bytes.slice(first, stop);
}

/**
 * The clip as a page that asks the network for nothing.
 * @param {Clip} clip
 */
export function clipPage({ title, feature, place, strengths, wav }) {
  const sound = base64(wav);
  // "<" could end the element that holds the data.
  const data = JSON.stringify({ strengths, sound }).replaceAll("<", "\\u003c");
  const text = (/** @type {string} */ words) =>
    words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; media-src data:";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${text(feature)} · ${text(title)}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 } p { margin: .2rem 0 1rem; opacity: .7 }
canvas { width: 100%; height: 170px; display: block } audio { width: 100%; margin-top: .6rem }
</style></head>
<body><h1>${text(feature)}</h1><p>${text(title)}, ${text(place)}</p>
<canvas aria-label="Waveform, and the activation of the feature below it"></canvas>
<audio controls></audio>
<script type="application/json" id="clip">${data}</script>
<script>(${draw.toString()})();</script>
</body></html>`;
}

/** The script of a clip: draws the waveform and the row, and moves a line with the sound. */
function draw() {
  const data = JSON.parse(document.getElementById("clip")?.textContent ?? "{}");
  const audio = /** @type {HTMLAudioElement} */ (document.querySelector("audio"));
  const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("canvas"));
  audio.src = `data:audio/wav;base64,${data.sound}`;
  const bytes = Uint8Array.from(atob(data.sound), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const block = view.getUint16(32, true);
  const seconds = view.getUint32(40, true) / view.getUint32(28, true);
  const count = view.getUint32(40, true) / block;
  const paint = () => {
    const ratio = devicePixelRatio;
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [wide * ratio, high * ratio];
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.scale(ratio, ratio);
    pen.fillStyle = getComputedStyle(document.body).color;
    for (let x = 0; x < wide; x += 1) {
      let [low, top] = [32767, -32768];
      const stop = Math.max(
        Math.floor(((x + 1) * count) / wide),
        Math.floor((x * count) / wide) + 1,
      );
      for (let i = Math.floor((x * count) / wide); i < Math.min(count, stop); i += 1) {
        const value = view.getInt16(44 + i * block, true);
        low = Math.min(low, value);
        top = Math.max(top, value);
      }
      const y = (/** @type {number} */ value) => 55 - (value / 32768) * 52;
      pen.fillRect(x, y(top), 1, Math.max(1, y(low) - y(top)));
    }
    pen.fillStyle = "#c2571a";
    const step = wide / data.strengths.length;
    data.strengths.forEach((/** @type {number} */ percent, /** @type {number} */ i) => {
      if (percent)
        pen.fillRect(i * step, 165 - percent * 0.45, Math.max(1, step - 0.5), percent * 0.45);
    });
    pen.fillRect((audio.currentTime / seconds) * wide, 0, 2, high);
    if (!audio.paused) requestAnimationFrame(paint);
  };
  audio.addEventListener("play", paint);
  audio.addEventListener("seeked", paint);
  addEventListener("resize", paint);
  paint();
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000)
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/**
 * Save a page under a name, as a download.
 * @param {string} name
 * @param {string} page
 */
export function save(name, page) {
  const address = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/**
 * A button that saves a clip of some steps of a recording.
 * @param {() => Promise<Clip>} make
 */
export function clipButton(make) {
  const button = document.createElement("button");
  button.className = "clip";
  button.textContent = "Save clip";
  button.title = "One HTML file: the sound, its waveform, and the feature's row";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const clip = await make();
      save(`${clip.feature} ${clip.title}.html`.replace(/[^\w.-]+/g, "_"), clipPage(clip));
      button.textContent = "Save clip";
    } catch (error) {
      button.textContent = error instanceof Error ? error.message : String(error);
    }
    button.disabled = false;
  });
  return button;
}
