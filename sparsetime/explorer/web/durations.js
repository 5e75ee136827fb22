// Numbers of steps and moments of a sequence in the unit of the data's time, their steps beside it.

import { short } from "./dom.js";
import { durationText, timeText } from "./time_text.js";

/**
 * @typedef {Pick<Api.Overview, "unit"> & Partial<Pick<Api.Overview, "step" | "time_unit" |
 *   "sequence_name">>} StepUnit
 */

/**
 * A number of steps as a duration, such as 1.5 s; empty where the name of a step says it.
 * @param {number} steps
 * @param {StepUnit} unit
 */
export const duration = (steps, { step, time_unit }) =>
  time_unit && step ? `${durationText(steps * step)} ${time_unit}` : "";

/**
 * A number of steps in words: 1.5 s (15 steps), or 15 tokens.
 * @param {number} steps
 * @param {StepUnit} unit
 */
export function lasting(steps, unit) {
  const time = duration(steps, unit);
  const count = `${short(steps)} ${unit.unit}${steps === 1 ? "" : "s"}`;
  return time ? `${time} (${count})` : count;
}

/**
 * The unit of an axis or of a column in steps: s (steps of 0.1 s), or tokens.
 * @param {StepUnit} unit
 */
export function axisUnit(unit) {
  const time = duration(1, unit);
  return time ? `${unit.time_unit} (${unit.unit}s of ${time})` : `${unit.unit}s`;
}

/**
 * The shortest unit of a number of steps: s, or tokens.
 * @param {StepUnit} unit
 */
export const timeUnit = (unit) => (unit.step && unit.time_unit) || `${unit.unit}s`;

/**
 * A number of steps as a number of `timeUnit`: 1.5 for 15 steps of 0.1 s.
 * @param {number} steps
 * @param {StepUnit} unit
 */
export const inTimeUnit = (steps, { step, time_unit }) =>
  time_unit && step ? durationText(steps * step) : short(steps);

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

/**
 * Whether there are words and passages to speak of.
 * @param {StepUnit} unit
 */
export const hasText = ({ sequence_name = "document" }) => sequence_name === "document";

/**
 * What a sequence is called, in the singular: document, recording or sequence.
 * @param {StepUnit} unit
 */
export const sequenceName = ({ sequence_name = "document" }) => sequence_name;

/**
 * What a part of a sequence is called: a passage of a document, a segment of another one.
 * @param {StepUnit} unit
 */
export const segmentName = (unit) => (hasText(unit) ? "passage" : "segment");
