// What the nodes of a circuit are called.

/**
 * What a node is called.
 * @param {Api.CircuitNode} one
 */
export function nameOf(one) {
  if (one.kind === "bias") return "biases";
  if (one.kind === "target") return `target ${quoted(one.label)}`;
  const where = `at ${quoted(one.label)}, step ${one.step}`;
  if (one.kind === "feature") return `feature ${one.latent} ${where}`;
  return `${one.kind} ${where}`;
}

/** @param {string} text */
export const quoted = (text) => `“${text.trim() ? text : JSON.stringify(text).slice(1, -1)}”`;
