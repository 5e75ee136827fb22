// Layout of the words over the timeline: pieces of a word joined, thinned by powers of two, spread.

const MOST_LETTERS = 16;
const MOST_STEPS = 8; // of a word, as in sparsetime/features/vocabulary.py
// Scripts that put no spaces between words: there, and in words of more steps, a token is a word.
const UNSPACED =
  /[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;
const LONG = 4; // letters of a word that is kept longer than little ones when labels are thinned

/**
 * Labels of a text: pieces that a tokenizer cut apart are one label; punctuation has none. In text
 * without spaces each token has a label.
 * @param {Pick<Api.DocumentText, "first" | "words" | "gaps">} text
 * @returns {WordLabel[]} in the order of their steps
 */
export function labelled({ first, words, gaps }) {
  /** @type {WordLabel[]} */
  const joined = [];
  words.forEach((word, i) => {
    if (!/[\p{L}\p{N}]/u.test(word)) return;
    const step = first + i;
    const last = joined.at(-1);
    if (last && last.to === step && !gaps[i]) {
      last.text += word;
      last.to = step + 1;
    } else joined.push({ text: word, from: step, to: step + 1 });
  });
  /** @type {WordLabel[]} */
  const labels = joined.flatMap((label) => {
    const steps = label.to - label.from;
    if (steps === 1 || (steps <= MOST_STEPS && !UNSPACED.test(label.text))) return [label];
    return [...Array(steps).keys()].map((i) => {
      const step = label.from + i;
      return { text: words[step - first], from: step, to: step + 1 };
    });
  });
  const isSpaced = labels.some((label) => label.text.length >= LONG);
  let long = 0;
  for (const label of labels) {
    if (label.text.length >= LONG || !isSpaced) label.long = long++;
    if (label.text.length > MOST_LETTERS) label.text = `${label.text.slice(0, MOST_LETTERS - 1)}…`;
  }
  return labels;
}

/**
 * Labels of the steps `from` to `to`, at most `room` of them.
 *
 * Little words go first, then every second, fourth, … long word, counted from the start of the
 * sequence. The words kept at one zoom therefore stay when the view narrows, and none jumps while
 * the view moves.
 * @param {WordLabel[]} labels
 * @param {number} from
 * @param {number} to
 * @param {number} room
 */
export function thinned(labels, from, to, room) {
  let start = 0;
  let high = labels.length;
  while (start < high) {
    const middle = (start + high) >> 1;
    if (labels[middle].to <= from) start = middle + 1;
    else high = middle;
  }
  let stop = start;
  while (stop < labels.length && labels[stop].from < to) stop += 1;
  const inView = labels.slice(start, stop);
  if (inView.length <= room) return inView;
  const long = inView.filter((label) => label.long !== undefined);
  let stride = 1;
  while (long.length / stride > room) stride *= 2;
  return long.filter((label) => Number(label.long) % stride === 0);
}

/**
 * Positions at least `apart` from one another with the least squared distance to the wanted ones.
 *
 * Subtracting i × `apart` turns the minimum distance into "never descending", which is isotonic
 * regression: neighbours out of order are pooled at their mean (pool adjacent violators). All
 * positions are then moved into [0, `limit`].
 * @param {number[]} wanted ascending
 * @param {number} apart
 * @param {number} limit
 */
export function spread(wanted, apart, limit) {
  /** @type {{mean: number, size: number}[]} */
  const blocks = [];
  wanted.forEach((x, i) => {
    let block = { mean: x - i * apart, size: 1 };
    for (let last = blocks.at(-1); last && last.mean > block.mean; last = blocks.at(-1)) {
      const size = last.size + block.size;
      block = { mean: (last.mean * last.size + block.mean * block.size) / size, size };
      blocks.pop();
    }
    blocks.push(block);
  });
  const highest = limit - (wanted.length - 1) * apart;
  return blocks
    .flatMap(({ mean, size }) => Array(size).fill(Math.max(0, Math.min(mean, highest))))
    .map((base, i) => base + i * apart);
}
