// Lanes of the timeline: what is drawn on its time axis beside the rows of features.
//
// A lane is a folder of lanes/ with a manifest, or a file that a user names. The default export of
// its module has
//   fits(input, text)         whether it draws this sequence (the API's InputView and DocumentText)
//   height(input, look, timeline)  pixels that it needs over the rows
//   draw(chart, timeline)     draw there, with chart.pen, chart.x(step), chart.gutter, chart.wide,
//                             chart.top (its height) and chart.hues
//   reads                     whether the input is fetched again when other steps are in view
//   packed                    whether it reads a series by columnsOf of packed_columns.js, and not
//                             from the lists low and high
//   channels                  the most channels of a series that it draws; all where it is missing
//   looks, drawnAs(input, look)  ways to draw it, values and labels, and the one that is used
//   load(timeline)            fetch what it draws, before the first drawing; may be missing
//   describe(timeline, step, y)  a line on a step for the pointer, y pixels under the lane's top; may be
//                             missing
//   example(example, hue)     an element that shows an activating example; may be missing
//   exampleNote(example)      a sentence over all of them, such as what they leave out; may be missing
// and, for a lane whose manifest says "strip", only
//   strip(timeline)           { element, load(), draw() }: a canvas of its own over the sequence
// A user's file also has a name: sparsetime explore RUN --renderer mine.js

import { lanes as manifests } from "./manifests.js";

const REQUIRED = ["name", "fits", "height", "draw"];

/** @type {Lane[]} of what the model read */
const inputs = [];
/** @type {Lane[]} over the rows in addition */
const above = [];
/** @type {StripLane[]} */
const strips = [];
const loaded = new Set();

/**
 * A user's lane, which may name its parts as 0.1.0 did.
 * @param {any} lane
 */
const withPresentNames = (lane) => ({
  ...lane,
  height: lane.height ?? lane.tall,
  describe: lane.describe ?? lane.tell,
  example: lane.example ?? lane.moment,
});

/**
 * Register a lane: of two that fit an input, the earlier is drawn.
 * @param {LaneManifest["place"]} place
 * @param {any} lane
 */
export function useLane(place, lane) {
  if (place === "strip") strips.push(lane);
  else if (place === "above") above.push(lane);
  else inputs.push(lane);
}

/**
 * Load the lanes of the manifests, and those of users, which come before them.
 * @param {string[]} addresses of the users' modules
 */
export async function loadLanes(addresses) {
  if (!loaded.size) {
    loaded.add("manifests");
    const modules = await Promise.all(
      manifests.map(({ name }) => import(`../lanes/${name}/lane.js`)),
    );
    modules.forEach((module, i) => {
      useLane(manifests[i].place, module.default);
    });
  }
  for (const address of addresses) {
    if (loaded.has(address)) continue;
    loaded.add(address);
    const module = await import(address);
    const lane = module.default && withPresentNames(module.default);
    for (const part of REQUIRED) {
      if (lane?.[part] === undefined)
        throw new Error(
          `The lane ${address} has no ${part}; export an object with ${REQUIRED.join(", ")} as its default.`,
        );
    }
    inputs.unshift(lane);
  }
}

/** The lane of inputs that no other one draws: words or times. */
const lastLane = () => inputs[inputs.length - 1];

/**
 * The lane that draws what the model read: the first that fits, the last of all where none does.
 * @param {Api.InputView} input
 * @param {Api.DocumentText | null} text
 */
export const inputLane = (input, text) =>
  inputs.find((lane) => lane.fits(input, text)) ?? lastLane();

/**
 * The lanes over the rows from the top down; the input is next to the rows.
 * @param {Api.InputView} input
 * @param {Api.DocumentText} text
 */
export const lanesOver = (input, text) => [
  ...above.filter((lane) => lane.fits(input, text)),
  inputLane(input, text),
];

/**
 * Canvases of their own above the rows.
 * @param {import("./timeline.js").Timeline} timeline
 */
export const stripsOver = (timeline) => strips.map((lane) => lane.strip(timeline));

/**
 * An activating example of a feature, as the lane of its input shows it; as words otherwise.
 * @param {Api.Moment} example
 * @param {Hue} hue
 */
export function exampleOf(example, hue) {
  const lane = example.input ? inputLane(example.input, null) : lastLane();
  return lane.example?.(example, hue) ?? lastLane().example?.(example, hue);
}

/**
 * What to say over all examples of a feature; empty for nothing.
 * @param {Api.Moment} example
 */
export const noteOnExamples = (example) =>
  (example.input && inputLane(example.input, null).exampleNote?.(example)) || "";
