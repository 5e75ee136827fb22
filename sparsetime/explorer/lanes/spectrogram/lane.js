// The spectrogram of a sound over its waveform: time to the right, frequency upwards, louder darker.

import { pictureOf } from "../../web/colour_map.js";
import { short } from "../../web/dom.js";

const HEIGHT = 96;
const TOP = 4;

/** @type {WeakMap<Timeline, Api.Spectrogram>} */
const answers = new WeakMap();

export default /** @type {Lane} */ ({
  reads: true,
  fits: (input) => input.kind === "series" && input.sound,
  height: () => HEIGHT,
  async load(timeline) {
    const { first, stop } = timeline.view.steps;
    const side = Math.ceil((stop - first) / 2);
    const range = {
      first: Math.max(0, first - side),
      stop: Math.min(timeline.length, stop + side),
    };
    answers.set(timeline, await timeline.asked("spectrogram", range));
  },
  draw(chart, timeline) {
    const { pen, hues, gutter, wide } = chart;
    const answer = answers.get(timeline);
    if (!answer?.columns) return;
    const { begin, stride, columns, bins, top } = answer;
    const high = HEIGHT - 2 * TOP;
    const picture = pictureOf(answer, columns, bins, [hues.paper, hues.ink], (shades) => {
      const levels = atob(answer.levels);
      for (let bin = 0; bin < bins; bin += 1)
        for (let at = 0; at < columns; at += 1)
          shades[(bins - 1 - bin) * columns + at] = levels.charCodeAt(bin * columns + at);
    });
    pen.save();
    pen.beginPath();
    pen.rect(gutter, 0, wide, HEIGHT);
    pen.clip();
    pen.drawImage(picture, chart.x(begin), TOP, columns * stride * chart.pitch, high);
    pen.restore();
    pen.font = `9.5px ${chart.font}`;
    pen.textAlign = "right";
    pen.fillStyle = hues.faint;
    for (const share of [0, 0.5, 1]) {
      const y = TOP + high * (1 - share);
      pen.fillText(`${short(share * top)} Hz`, gutter - 8, y + (share === 1 ? 8 : share ? 3 : 0));
      pen.fillRect(gutter - 4, y, 3, 1);
    }
    pen.textAlign = "left";
  },
  describe(timeline, _step, y = -1) {
    const answer = answers.get(timeline);
    const share = 1 - (y - TOP) / (HEIGHT - 2 * TOP);
    return answer && share >= 0 && share <= 1 ? `${short(share * answer.top)} Hz` : "";
  },
});
