// Lanes of the timeline: what is drawn on its time axis beside the rows of features.
//
// A lane is a folder of lanes/ with a manifest, or a file that a user names. Its module's default export has
//   fits(input, text)         whether it draws this sequence (the API's InputView and DocumentText)
//   height(input)             pixels that it needs over the rows
//   draw(chart, timeline)     paint there: chart.pen, chart.x(step), chart.gutter, chart.wide, chart.top (its height), chart.hues
//   reads                     whether the input is asked for again when other steps are in view
//   load(timeline)            fetch what it draws, before the first drawing; may be missing
//   describe(timeline, step)  a line on a step for the pointer; may be missing
//   example(example, hue)     an element that shows an activating example of a feature; may be missing
// and, for a lane whose manifest says "strip", only
//   strip(timeline)           { element, load(), draw() }: a canvas of its own over the whole sequence
// A user's file also has a name: sparsetime explore RUN --renderer mine.js

import { lanes as manifests } from "./manifests.js";

const inputs = [], above = [], strips = [];
const loaded = new Set();
const NEEDED = ["name", "fits", "height", "draw"];

/** Names of a lane's parts in 0.1.0, which users' files may still have. */
const modern = (lane) => ({ ...lane, height: lane.height ?? lane.tall, describe: lane.describe ?? lane.tell, example: lane.example ?? lane.moment });

/** Register a lane: of two that fit an input, the earlier is drawn. */
export function useLane(place, lane) {
  ({ input: inputs, above, strip: strips })[place].push(lane);
}

/** Load the lanes of the manifests, and those of users, which come before them. */
export async function loadLanes(addresses) {
  if (!loaded.size) {
    loaded.add("manifests");
    const modules = await Promise.all(manifests.map(({ name }) => import(`../lanes/${name}/lane.js`)));
    modules.forEach((module, i) => useLane(manifests[i].place, module.default));
  }
  for (const address of addresses) {
    if (loaded.has(address)) continue;
    loaded.add(address);
    const { default: exportedLane } = await import(address), lane = exportedLane && modern(exportedLane);
    for (const part of NEEDED) {
      if (lane?.[part] === undefined) throw new Error(`The lane ${address} has no ${part}; export an object with ${NEEDED.join(", ")} as its default.`);
    }
    inputs.unshift(lane);
  }
}

/** The lane that draws what the model read: the first that fits, the last of all where none does. */
export const inputLane = (input, text) => inputs.find((lane) => lane.fits(input, text)) ?? inputs.at(-1);

/** The lanes over the rows from the top down; the input is next to the rows. */
export const lanesOver = (input, text) => [...above.filter((lane) => lane.fits(input, text)), inputLane(input, text)];

/** Canvases of their own above the rows. */
export const stripsOver = (timeline) => strips.map((lane) => lane.strip(timeline));

/** An activating example of a feature, as the lane of its input shows it; as words otherwise. */
export function exampleOf(example, hue) {
  const lane = example.input ? inputLane(example.input, null) : inputs.at(-1);
  return (lane.example ?? inputs.at(-1).example)(example, hue);
}
