// Activating examples of a feature: the top activations, then some of each fifth.

import { ask, of } from "../../web/api.js";
import { clipButton, readSound } from "../../web/clip.js";
import { h, nameOf, short } from "../../web/dom.js";
import { sequenceName } from "../../web/durations.js";
import { exampleOf, noteOnExamples } from "../../web/lanes.js";
import { playButton, secondsAt, soundAddress } from "../../web/player.js";
import { conditionChoice, recordingLabels } from "../../web/recording_filter.js";

const BEFORE = 60; // steps of the timeline before an example
const AFTER = 68;
const HEARD = 0.75; // seconds on each side of an example

/**
 * The API keeps its words of 0.1.0.
 * @type {Record<string, string>}
 */
const TITLES = { "Strongest moments": "Top activations" };

/** @type {PanelModule["default"]} */
export default async ({ key, number, feature, hue, run }) => {
  const dictionary = encodeURIComponent(key);
  const quote = (/** @type {Api.Moment} */ example) => {
    const { position, sequence, source, value, time, is_text } = example;
    const view = `from=${Math.max(0, position - BEFORE)}&to=${position + AFTER}`;
    const href = `/timeline?d=${dictionary}&s=${sequence}&${view}&pins=${dictionary}:${number}`;
    const place = is_text ? "" : ` · ${time}`;
    const origin = h(
      "footer",
      {},
      h("a", { href }, source),
      `${place} · activation ${short(value)}`,
    );
    return h("blockquote", {}, exampleOf(example, hue), origin, soundOf(example));
  };
  /**
   * Buttons to hear and to save an example that has a sound, a second and a half around it.
   * @param {Api.Moment} example
   */
  function soundOf({ input, sequence, source, position, time }) {
    if (!input?.sound || !input.rate) return null;
    const address = soundAddress(run, key, sequence);
    const side = Math.ceil((HEARD * input.rate) / input.per_row);
    const [first, stop] = [Math.max(0, position - side), position + side + 1];
    const clip = async () => {
      const settings = { first, stop, rows: 0, also: [number] };
      const data = await ask(`${of(key)}/sequences/${String(sequence)}/timeline`, settings);
      const { columns, strengths } = data.rows[0];
      const row = Array(Math.ceil((data.stop - data.first) / data.stride)).fill(0);
      columns.forEach((column, i) => {
        row[column] = strengths[i];
      });
      const wav = await readSound(
        address,
        secondsAt(input, data.first),
        secondsAt(input, data.stop),
      );
      const own = `feature ${number}`;
      const called = nameOf(feature.line);
      const name = called === own ? own : `${called} (${own})`;
      return { title: source, feature: name, place: `around ${time}`, strengths: row, wav };
    };
    return h("p.sound", {}, playButton(address, input, first, stop), clipButton(clip));
  }
  /** @param {Api.FeatureView["bands"]} all */
  const drawn = (all) => {
    const bands = all.filter((band) => band.moments.length);
    const sections = bands.map(({ title, moments }) =>
      h("section.band", {}, h("h2", {}, TITLES[title] ?? title), moments.map(quote)),
    );
    const note = bands.length
      ? noteOnExamples(bands[0].moments[0])
      : `It is active in none of these ${sequenceName(run)}s.`;
    return [note ? h("p.count", {}, note) : "", ...sections];
  };
  const place = h("div", {}, drawn(feature.bands));
  let turn = 0; // of choices; answers to earlier ones are dropped
  const show = async (/** @type {string} */ only) => {
    turn += 1;
    const mine = turn;
    const answer = only ? await ask(`${of(key)}/features/${number}`, { only }) : feature;
    if (mine === turn) place.replaceChildren(...drawn(answer.bands));
  };
  const labels = await recordingLabels(key).catch(() => []);
  const choice = conditionChoice(labels, sequenceName(run), "", show);
  return h("div.bands", {}, choice ? h("div.controls", {}, choice) : null, place);
};
