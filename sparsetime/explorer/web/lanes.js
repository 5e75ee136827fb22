// What stands over a timeline and in the moments of a feature: one renderer for each kind of input.
//
// A renderer is an object with
//   name                    its name
//   fits(input, text)       whether it draws this input (the API's InputView and DocumentText)
//   tall(input)             pixels that it needs over the rows
//   draw(chart, timeline)       paint there: chart.pen, chart.x(step), chart.gutter, chart.wide, chart.top, chart.hues
//   reads                   whether the input is asked for anew when other steps are in view
//   tell(timeline, step)       a line on a step for the pointer; may be missing
//   moment(moment, hue)     an element that shows a feature's moment; may be missing
// A file of your own exports one as its default: sparsetime explore RUN --renderer mine.js

import { frames } from "../lanes/video/lane.js";
import { series } from "../lanes/series/lane.js";
import { text } from "../lanes/token_labels/lane.js";

const known = [series, frames, text];
const learnt = new Set();

/** Load renderers of users; they come before the ones that are built in. */
export async function learn(addresses) {
  for (const address of addresses) {
    if (learnt.has(address)) continue;
    learnt.add(address);
    const { default: renderer } = await import(address);
    for (const part of ["name", "fits", "tall", "draw"]) {
      if (!(part in (renderer ?? {}))) throw new Error(`The renderer ${address} has no ${part}; it must export an object with name, fits, tall and draw as its default.`);
    }
    known.unshift(renderer);
  }
}

/** The first that fits; words or times where none does. */
export const rendererOf = (input, words) => known.find((each) => each.fits(input, words)) ?? text;
export const momentOf = (moment, hue) => {
  const renderer = moment.input ? rendererOf(moment.input, null) : text;
  return (renderer.moment ?? text.moment)(moment, hue);
};
