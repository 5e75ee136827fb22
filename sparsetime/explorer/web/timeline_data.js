// The data of a timeline, fetched for the steps in view.

import { plural } from "./dom.js";
import { labelled } from "./label_layout.js";
import { inputLane, lanesOver, stripsOver } from "./lanes.js";
import { TOO_DENSE } from "./local_codes.js";
import { size } from "./timeline_layout.js";

const FARTHEST = 100_000; // steps fetched on each side of the view, for panning without a wait
const INPUT_COLUMNS = 3000;
const WORDS_BEFORE = 5000; // steps before the view whose words are fetched as well

/** @typedef {import("./timeline.js").Timeline} Timeline */

/** @type {Api.DocumentText} */
export const NO_TEXT = {
  sequence: 0,
  id: "",
  title: "",
  length: 0,
  first: 0,
  words: [],
  gaps: [],
  is_text: true,
  start: 0,
  step: 1,
  time_unit: "",
};

/** @type {Api.InputView} */
export const NO_INPUT = {
  kind: "none",
  first: 0,
  stop: 0,
  begin: 0,
  stride: 1,
  channels: [],
  units: [],
  columns: 0,
  packed_low: "",
  packed_high: "",
  usual: [],
  rate: null,
  origin: 0,
  per_row: 1,
  sound: false,
  letters: "",
  hidden: 0,
  low: [],
  high: [],
  least: [],
  most: [],
  frames: [],
  of_frames: 0,
  frame_size: null,
};

/**
 * Whether the view shows steps that a chart has no data of, or finer ones than it has.
 * @param {Timeline} timeline
 * @param {TimelineData | null} data
 */
export function lacksData({ view, length }, data) {
  if (!data) return false;
  const { first, stop, stride } = data;
  const beyond = (view.from < first && first > 0) || (view.to > stop && stop < length);
  return beyond || (stride > 1 && view.width * stride < stop - first);
}

/**
 * A chart in as far as its rows are asked for.
 * @typedef {{key: string, data: TimelineData | null, asked: number}} AskedChart
 */

/**
 * Ask for the rows of charts. A later call overtakes this one.
 * @param {Timeline} timeline
 * @param {readonly AskedChart[]} charts
 */
export async function askRows(timeline, charts) {
  timeline.turn += 1;
  const { turn, state } = timeline;
  const { first, stop } = timeline.view.steps;
  const reach = Math.min(FARTHEST, 2 * (stop - first));
  const densest = state.dense ? 1 : TOO_DENSE;
  const answers = await Promise.all(
    charts.map(({ key, data, asked }) => {
      // Rows that do not follow the view stay, and more are chosen only when more are wanted.
      const fixed = data && !state.follow;
      const also = fixed ? data.rows.map((row) => row.feature) : [...timeline.pinsOf(key)];
      const rows = fixed && asked === state.rows ? 0 : state.rows;
      return timeline.asked("timeline", { first, stop, reach, also, densest, rows }, key);
    }),
  );
  return { turn, answers };
}

/**
 * Show the rows that were asked for in the charts, unless a later call has overtaken them.
 * @param {Timeline} timeline
 * @param {Awaited<ReturnType<typeof askRows>>} asked
 */
export function takeRows(timeline, { turn, answers }) {
  if (turn !== timeline.turn || !timeline.at.isConnected) return;
  answers.forEach((data, i) => {
    timeline.charts[i].asked = timeline.state.rows;
    timeline.charts[i].take(data);
  });
  const { keys } = timeline;
  const counts = answers.map((data, i) => {
    const under = keys.length > 1 ? ` (${timeline.dictionary(keys[i]).entry.title})` : "";
    return `${plural(data.active_features, "feature")} active here, ${data.rows.length} shown${under}`;
  });
  const changes = timeline.charts.map((chart) => chart.hiddenBoundaries).filter(Boolean);
  const zoom = changes.map(
    (count) => `${plural(count, "change")} in view, too many to draw: zoom in`,
  );
  timeline.where.textContent = [...counts, ...zoom].join(" · ");
  size(timeline);
  timeline.passageText?.write();
}

/**
 * Fetch the rows of all charts.
 * @param {Timeline} timeline
 */
export async function loadRows(timeline) {
  takeRows(timeline, await askRows(timeline, timeline.charts));
}

/**
 * Fetch the words of the sequence, as many as one answer has.
 * @param {Timeline} timeline
 */
export async function readText(timeline) {
  takeText(timeline, await timeline.asked("words", {}));
}

/**
 * @param {Timeline} timeline
 * @param {TimelineText} text
 */
function takeText(timeline, text) {
  timeline.text = text;
  timeline.length = timeline.view.length = text.length;
  timeline.labels = labelled(text);
}

/**
 * Ask for as much of the input as shows its kind and its channels, to be awaited later.
 * @param {Timeline} timeline
 */
export function askBrief(timeline) {
  const asked = timeline.asked("input", { stop: 1, columns: 16, frames: 1 });
  asked.catch(() => {}); // who awaits it gets the error
  return asked;
}

/**
 * Choose the lanes by the kind and the channels of the input, and fetch as much of it as they draw.
 * @param {Timeline} timeline
 * @param {ReturnType<typeof askBrief>} asked
 */
async function chooseLanes(timeline, asked) {
  const { text, view } = timeline;
  const brief = await asked;
  timeline.inputLane = inputLane(brief, text);
  timeline.input = await timeline.asked("input", { ...view.steps, ...settingsOf(timeline) });
  timeline.lanes = lanesOver(brief, text);
  timeline.strips = stripsOver(timeline);
}

/**
 * How the lane of the input wants it: the most channels, and whether its columns are packed.
 * @param {Timeline} timeline
 */
const settingsOf = ({ inputLane: lane }) => ({
  channels: lane?.channels,
  packed: lane?.packed || undefined,
});

/**
 * Fetch what the model read over the view and as much on each side, where a lane draws it.
 * @param {Timeline} timeline
 */
export async function loadInput(timeline) {
  if (!timeline.lanes.some((lane) => lane.reads)) return;
  const { first, stop } = timeline.view.steps;
  const width = stop - first;
  timeline.input = await timeline.asked("input", {
    first: Math.max(0, first - width),
    stop: Math.min(timeline.length, stop + width),
    columns: INPUT_COLUMNS,
    ...settingsOf(timeline),
  });
  timeline.draw();
}

/**
 * Fetch the words over the view where the answer before did not reach so far: the API answers at most
 * some thousand steps at once.
 * @param {Timeline} timeline
 */
export async function loadWords(timeline) {
  const { text, view } = timeline;
  const { first, stop } = view.steps;
  const end = text.first + text.words.length;
  const isThere = first >= text.first && stop <= end;
  // A view nearly as wide as one answer, or wider, shows the words of its beginning.
  const isWide = stop - first > text.words.length - WORDS_BEFORE;
  const hasBeginning = first >= text.first && first < end;
  if (isThere || (isWide && hasBeginning) || timeline.fixed) return;
  const answer = await timeline.asked("words", { first: Math.max(0, first - WORDS_BEFORE) });
  takeText(timeline, answer);
  timeline.passageText?.write();
  timeline.draw();
}

/**
 * Fetch the data of the strips.
 * @param {Timeline} timeline
 */
export async function loadStrips(timeline) {
  await Promise.all(timeline.strips.map((strip) => strip.load()));
}

/**
 * Fetch what the lanes draw beside the input.
 * @param {Timeline} timeline
 */
export async function loadLaneData(timeline) {
  await Promise.all(timeline.lanes.map((lane) => lane.load?.(timeline)));
}

/**
 * Fetch all that the first drawing needs, side by side; the rows are taken once there are charts.
 * @param {Timeline} timeline
 * @param {ReturnType<typeof askBrief>} brief
 */
export async function loadFirst(timeline, brief) {
  const fresh = timeline.keys.map((key) => ({ key, data: null, asked: 0 }));
  const lanes = async () => {
    await chooseLanes(timeline, brief);
    await Promise.all([loadLaneData(timeline), loadStrips(timeline)]);
  };
  const [rows] = await Promise.all([askRows(timeline, fresh), lanes(), loadWords(timeline)]);
  return rows;
}
