// Measures of the board of the attention view, in pixels, and texts of tokens.

export const GUTTER = 132;
export const ARCS = 92;
export const FEATURE = 15;
export const AXIS = 20;
export const WORD = 22; // of a step, from which on its text is written
export const AXIS_TEXT = { start: 0, step: 0, time_unit: /** @type {string} */ ("") };

/**
 * A token's text with its blanks made visible where it has nothing else.
 * @param {string} text
 */
export const shown = (text) =>
  text.trim() ? text : text.replaceAll("\n", "⏎").replaceAll(" ", "␣");
