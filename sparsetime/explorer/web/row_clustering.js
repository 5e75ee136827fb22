// Order and groups of rows that fire together: average linkage over cosine distance.
//
// The same as workbench/row_clustering.py, which uses scipy; both are tested on the cases of
// tests/web/row_clustering.json.

const COARSE = 192; // columns in which rows are compared
const IN_TREE = 300; // rows that are clustered; each further row is placed beside its nearest
const SAME_GROUP = 0.7; // cosine distance up to which rows are one group
const GRID = 2 ** 30; // distances are multiples of one over this: equal ones are equal in Python too

/**
 * @typedef {{columns: number[], strengths: number[]}} Cells
 * @typedef {[left: number, right: number, distance: number]} Merge
 */

/**
 * @param {Cells[]} cells the columns and activation values of each row
 * @param {number} columns
 * @returns {{place: number, group: number}[]} of each row
 */
export function clusterRows(cells, columns) {
  if (cells.length < 3) return cells.map((_, i) => ({ place: i, group: i }));
  const vectors = directions(cells, columns);
  const clustered = vectors.slice(0, IN_TREE);
  const { order, branch } = cut(averageLinkage(clustered), clustered.length);
  /** @type {number[]} */
  const placeInTree = new Array(clustered.length);
  order.forEach((row, place) => {
    placeInTree[row] = place;
  });
  const nearest = vectors.map((vector, i) =>
    i < clustered.length ? i : nearestOf(vector, clustered),
  );
  const ordered = [...cells.keys()].sort(
    (a, b) => placeInTree[nearest[a]] - placeInTree[nearest[b]] || a - b,
  );
  /** @type {{place: number, group: number}[]} */
  const places = new Array(cells.length);
  let group = 0;
  ordered.forEach((row, place) => {
    if (place && branch[nearest[row]] !== branch[nearest[ordered[place - 1]]]) group += 1;
    places[row] = { place, group };
  });
  return places;
}

/**
 * Rows over coarse columns, as unit vectors.
 * @param {Cells[]} cells
 * @param {number} columns
 */
function directions(cells, columns) {
  const size = Math.ceil(columns / COARSE);
  const count = Math.ceil(columns / size);
  return cells.map((row) => {
    const sums = new Float64Array(count).fill(1e-9); // an inactive row has no direction otherwise
    row.columns.forEach((column, i) => {
      sums[Math.floor(column / size)] += row.strengths[i];
    });
    const norm = Math.sqrt(dot(sums, sums));
    return sums.map((value) => value / norm);
  });
}

/**
 * @param {Float64Array} a
 * @param {Float64Array} b
 */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

/**
 * The number of the vector with the largest cosine.
 * @param {Float64Array} vector
 * @param {Float64Array[]} others
 */
function nearestOf(vector, others) {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  others.forEach((other, i) => {
    const cosine = dot(vector, other);
    if (cosine > largest) {
      largest = cosine;
      best = i;
    }
  });
  return best;
}

/**
 * Merges in order of distance; the cluster that the i-th merge makes has the number rows + i.
 *
 * The nearest-neighbour chain (Müllner 2011) needs O(rows²) steps, where the plain search needs
 * O(rows³).
 * @param {Float64Array[]} vectors
 * @returns {Merge[]}
 */
function averageLinkage(vectors) {
  const rows = vectors.length;
  const onGrid = (/** @type {number} */ value) => Math.floor(value * GRID + 0.5) / GRID;
  const distance = vectors.map((a) => vectors.map((b) => onGrid(1 - dot(a, b))));
  const sizes = new Array(rows).fill(1); // 0 for a cluster that was merged into another one
  /** @type {Merge[]} */
  const merges = [];
  /** @type {number[]} */
  const chain = [];
  while (merges.length < rows - 1) {
    if (!chain.length) chain.push(sizes.findIndex((size) => size > 0));
    const last = chain[chain.length - 1];
    const before = chain.at(-2) ?? -1;
    // At a tie the one before is taken, or the chain would never end.
    let nearest = before;
    let least = before < 0 ? Number.POSITIVE_INFINITY : distance[last][before];
    for (let i = 0; i < rows; i += 1) {
      if (!sizes[i] || i === last || distance[last][i] >= least) continue;
      least = distance[last][i];
      nearest = i;
    }
    if (nearest !== before) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const [low, high] = last < nearest ? [last, nearest] : [nearest, last];
    merges.push([low, high, least]);
    for (let i = 0; i < rows; i += 1) {
      if (!sizes[i] || i === low || i === high) continue;
      const total = sizes[low] * distance[i][low] + sizes[high] * distance[i][high];
      const mean = total / (sizes[low] + sizes[high]);
      distance[i][high] = mean;
      distance[high][i] = mean;
    }
    sizes[high] += sizes[low];
    sizes[low] = 0;
  }
  return numbered(
    merges.sort((a, b) => a[2] - b[2]),
    rows,
  );
}

/**
 * Merges of representatives as merges of clusters, numbered from `rows` on.
 * @param {Merge[]} merges by distance
 * @param {number} rows
 * @returns {Merge[]}
 */
function numbered(merges, rows) {
  const parent = [...Array(2 * rows - 1).keys()];
  const top = (/** @type {number} */ row) => {
    let cluster = row;
    while (parent[cluster] !== cluster) cluster = parent[cluster];
    return cluster;
  };
  return merges.map(([a, b, height], i) => {
    const [left, right] = [top(a), top(b)].sort((one, other) => one - other);
    parent[left] = rows + i;
    parent[right] = rows + i;
    return [left, right, height];
  });
}

/**
 * Leaves of the tree from left to right, and for each row the branch of its group.
 * @param {Merge[]} merges
 * @param {number} rows
 */
function cut(merges, rows) {
  const branch = [...Array(rows).keys()];
  /** @type {number[]} */
  const order = [];
  /** @type {(node: number, group: number | null) => void} */
  const visit = (node, group) => {
    if (node < rows) {
      order.push(node);
      branch[node] = group ?? node;
      return;
    }
    const [left, right, height] = merges[node - rows];
    const whole = group ?? (height <= SAME_GROUP ? node : null);
    visit(left, whole);
    visit(right, whole);
  };
  visit(rows + merges.length - 1, null);
  return { order, branch };
}
