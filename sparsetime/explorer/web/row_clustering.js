// Order and groups of rows that fire together: average linkage over cosine distance.
//
// The same as workbench/row_clustering.py, which uses scipy; the tests compare both.

const COARSE = 192; // columns in which rows are compared
const IN_TREE = 300; // rows that are clustered; each further row stands by its nearest
const TOGETHER = 0.7; // cosine distance up to which rows are one group

/** `cells` are the columns and activation values of each row; returns {place, group} for each. */
export function clusterRows(cells, columns) {
  if (cells.length < 3) return cells.map((_, i) => ({ place: i, group: i }));
  const vectors = directions(cells, columns), first = vectors.slice(0, IN_TREE);
  const merges = averageLinkage(first), { order, root } = cut(merges, first.length);
  const placeOfFirst = new Array(first.length);
  order.forEach((row, place) => { placeOfFirst[row] = place; });
  const nearest = vectors.map((vector, i) => (i < first.length ? i : nearestOf(vector, first)));
  const ordered = [...cells.keys()].sort((a, b) => placeOfFirst[nearest[a]] - placeOfFirst[nearest[b]] || a - b);
  const clustered = new Array(cells.length);
  let group = 0;
  ordered.forEach((row, place) => {
    if (place && root[nearest[row]] !== root[nearest[ordered[place - 1]]]) group += 1;
    clustered[row] = { place, group };
  });
  return clustered;
}

/** Rows over coarse columns, each of length one. */
function directions(cells, columns) {
  const size = Math.ceil(columns / COARSE), wide = Math.ceil(columns / size);
  return cells.map(({ columns: at, strengths }) => {
    const sum = new Float64Array(wide).fill(1e-9); // an inactive row has no direction otherwise
    at.forEach((column, i) => { sum[Math.floor(column / size)] += strengths[i]; });
    const norm = Math.sqrt(dot(sum, sum));
    return sum.map((value) => value / norm);
  });
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

function nearestOf(vector, others) {
  let best = 0, cosine = -Infinity;
  others.forEach((other, i) => { const value = dot(vector, other); if (value > cosine) { cosine = value; best = i; } });
  return best;
}

/**
 * Merges [a, b, distance] in order of distance; a cluster that the i-th merge makes has the number rows + i.
 * The chain of nearest neighbours (Müllner 2011) needs O(rows²) steps, where the plain search needs O(rows³).
 */
function averageLinkage(vectors) {
  const rows = vectors.length, distance = vectors.map((a) => vectors.map((b) => 1 - dot(a, b)));
  const size = new Array(rows).fill(1), merges = [];
  let chain = [];
  while (merges.length < rows - 1) {
    if (!chain.length) chain = [size.findIndex((count) => count > 0)];
    const x = chain.at(-1), before = chain.at(-2);
    let y = before ?? -1, least = y < 0 ? Infinity : distance[x][y]; // at a tie the one before, so that the chain ends
    for (let i = 0; i < rows; i += 1) if (size[i] && i !== x && distance[x][i] < least) { least = distance[x][i]; y = i; }
    if (y !== before) { chain.push(y); continue; }
    chain.length -= 2;
    const [low, high] = x < y ? [x, y] : [y, x];
    merges.push([low, high, least]);
    for (let i = 0; i < rows; i += 1) {
      if (!size[i] || i === low || i === high) continue;
      const mean = (size[low] * distance[i][low] + size[high] * distance[i][high]) / (size[low] + size[high]);
      distance[i][high] = mean; distance[high][i] = mean;
    }
    size[high] += size[low]; size[low] = 0;
  }
  merges.sort((a, b) => a[2] - b[2]);
  const cluster = [...Array(rows).keys()]; // of each row as it stands, by its representative
  const parent = [...Array(2 * rows - 1).keys()];
  const top = (at) => { let now = at; while (parent[now] !== now) now = parent[now]; return now; };
  return merges.map(([a, b, height], i) => {
    const [left, right] = [top(cluster[a]), top(cluster[b])].sort((one, other) => one - other);
    parent[left] = rows + i; parent[right] = rows + i;
    return [left, right, height];
  });
}

/** Leaves of the tree from left to right, and for each row the branch below TOGETHER that it is in. */
function cut(merges, rows) {
  const root = [...Array(rows).keys()], order = [];
  const visit = (node, branch) => {
    if (node < rows) { order.push(node); root[node] = branch ?? node; return; }
    const [left, right, height] = merges[node - rows], whole = branch ?? (height <= TOGETHER ? node : null);
    visit(left, whole);
    visit(right, whole);
  };
  visit(rows + merges.length - 1, null);
  return { order, root };
}
