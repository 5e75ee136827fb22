// Places of a circuit's nodes by step and layer, and what is left when it is pruned.

export const SIZE = 13; // of a node, with the gap around it
const CELL = 3; // nodes side by side in a cell
const GAP = 16; // between rows

/**
 * The nodes and edges that hold a share of the influence. Tokens and targets stay.
 * @param {readonly Api.CircuitNode[]} nodes
 * @param {readonly Api.CircuitEdge[]} edges
 * @param {number} share of the influence of nodes, in (0, 1]
 * @param {number} [ofEdges] of the influence of the edges between them
 */
export function pruned(nodes, edges, share, ofEdges = 0.9) {
  const always = nodes.filter((one) => one.kind === "token" || one.kind === "target");
  const others = nodes.filter((one) => one.kind !== "token" && one.kind !== "target");
  const largest = upTo(others, share);
  const ids = new Set([...always, ...largest].map((one) => one.id));
  const between = edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target));
  const kept = upTo(between, ofEdges);
  const reached = new Set(kept.flatMap((edge) => [edge.source, edge.target]));
  const shown = nodes.filter(
    (one) =>
      ids.has(one.id) && (reached.has(one.id) || one.kind === "token" || one.kind === "target"),
  );
  return { nodes: shown, edges: kept };
}

/**
 * The entries of largest influence that hold a share of it together.
 * @template {{influence: number}} T
 * @param {readonly T[]} entries
 * @param {number} share
 */
function upTo(entries, share) {
  const ordered = [...entries].sort((a, b) => b.influence - a.influence);
  const whole = ordered.reduce((sum, one) => sum + one.influence, 0);
  let reached = 0;
  const kept = [];
  for (const one of ordered) {
    if (reached >= share * whole) break;
    kept.push(one);
    reached += one.influence;
  }
  return kept;
}

/**
 * The place of every node: x by step, y by layer with the tokens at the bottom.
 * @param {readonly Api.CircuitNode[]} nodes
 * @param {number} steps
 * @param {number} rows sites; targets are above them
 * @param {number} width of a step
 * @param {number} left
 */
export function places(nodes, steps, rows, width, left) {
  /** @type {Map<string, Api.CircuitNode[]>} */
  const cells = new Map();
  for (const one of nodes) {
    const key = `${one.row} ${one.step}`;
    cells.set(key, [...(cells.get(key) ?? []), one]);
  }
  const heights = Array.from({ length: rows + 1 }, (_, row) => {
    let lines = 1;
    for (let step = -1; step < steps; step += 1) {
      const count = cells.get(`${row} ${step}`)?.length ?? 0;
      lines = Math.max(lines, Math.ceil(count / CELL));
    }
    return lines * SIZE + GAP;
  });
  const tops = heights.map((_, row) => heights.slice(row + 1).reduce((sum, one) => sum + one, 0));
  /** @type {Map<number, {x: number, y: number}>} */
  const found = new Map();
  for (const [key, own] of cells) {
    const [row, step] = key.split(" ").map(Number);
    const middle = step < 0 ? left - 42 : left + (step + 0.5) * width;
    own
      .sort((a, b) => b.influence - a.influence)
      .forEach((one, i) => {
        const line = Math.floor(i / CELL);
        const count = Math.min(CELL, own.length - line * CELL);
        const x = middle + ((i % CELL) - (count - 1) / 2) * SIZE;
        found.set(one.id, { x, y: tops[row] + GAP / 2 + (line + 0.5) * SIZE });
      });
  }
  const height = heights.reduce((sum, one) => sum + one, 0);
  return { at: found, tops, heights, height };
}
