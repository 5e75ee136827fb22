// What stands over a score and in the moments of a feature: one renderer for each kind of input.
//
// A renderer is an object with
//   name                    its name
//   fits(input, text)       whether it draws this input (the API's InputView and DocumentText)
//   tall(input)             pixels that it needs over the rows
//   draw(roll, score)       paint there: roll.pen, roll.x(step), roll.gutter, roll.wide, roll.top, roll.hues
//   reads                   whether the input is asked for anew when other steps are in view
//   tell(score, step)       a line on a step for the pointer; may be missing
//   moment(moment, hue)     an element that shows a feature's moment; may be missing
// A file of your own exports one as its default: sparsetime explore RUN --renderer mine.js

import { frames } from "./frames.js";
import { series } from "./series.js";
import { text } from "./text.js";

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
