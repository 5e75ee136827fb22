// Numbers of steps and moments of a sequence in words, with their time where a step has one.

import { short } from "./dom.js";
import { durationText, timeText } from "./time_text.js";

/** @typedef {Pick<Api.Overview, "unit"> & Partial<Pick<Api.Overview, "step" | "time_unit">>} StepUnit */

/**
 * A number of steps as a duration, such as 1.5 s; empty where the name of a step says it.
 * @param {number} steps
 * @param {StepUnit} unit
 */
export const duration = (steps, { step, time_unit }) =>
  time_unit && step ? `${durationText(steps * step)} ${time_unit}` : "";

/**
 * A number of steps in words: 15 steps (1.5 s), or 15 tokens.
 * @param {number} steps
 * @param {StepUnit} unit
 */
export function lasting(steps, unit) {
  const time = duration(steps, unit);
  const count = `${short(steps)} ${unit.unit}${steps === 1 ? "" : "s"}`;
  return time ? `${count} (${time})` : count;
}

/**
 * The unit of an axis or of a column in steps: steps of 0.1 s, or tokens.
 * @param {StepUnit} unit
 */
export function stepsOf(unit) {
  const time = duration(1, unit);
  return time ? `${unit.unit}s of ${time}` : `${unit.unit}s`;
}

/**
 * A step of a sequence as a moment in time: 0.532 s, or token 53.
 * @param {Pick<Api.DocumentText, "start" | "step" | "time_unit"> & {origin?: number}} text
 * @param {number} step
 * @param {string} unit what a step is called
 */
export function moment({ start, step: length, time_unit, origin = 0 }, step, unit) {
  const number = `${unit} ${(step + origin).toLocaleString("en")}`;
  if (!time_unit) return number;
  return `${timeText(start + length * (step + origin), length, start)} ${time_unit} (${number})`;
}
