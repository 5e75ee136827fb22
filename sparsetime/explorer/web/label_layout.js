// The words over the timeline: pieces of one word joined, thinned in powers of two, spread apart.

const LONGEST = 16;
const LONG = 4; // letters of a word that outlasts the little ones

/** Words as written: pieces that a tokenizer cut apart are one label; lone marks have none. */
export function labelled({ first, words, gaps }) {
  const labels = [];
  words.forEach((word, i) => {
    if (!/[\p{L}\p{N}]/u.test(word)) return;
    const before = labels.at(-1), step = first + i;
    if (before && before.to === step && !gaps[i]) { before.text += word; before.to = step + 1; }
    else labels.push({ text: word, from: step, to: step + 1 });
  });
  let long = 0;
  for (const label of labels) if (label.text.length >= LONG) label.long = long++;
  for (const label of labels) if (label.text.length > LONGEST) label.text = `${label.text.slice(0, LONGEST - 1)}…`;
  return labels;
}

/** The labels of a stretch that have room; zooming in adds words and never takes one away. */
export function thinned(labels, from, to, room) {
  let low = 0, high = labels.length;
  while (low < high) { const mid = (low + high) >> 1; if (labels[mid].to <= from) low = mid + 1; else high = mid; }
  let stop = low;
  while (stop < labels.length && labels[stop].from < to) stop += 1;
  const found = labels.slice(low, stop);
  if (found.length <= room) return found;
  const long = found.filter((label) => label.text.length >= LONG);
  let every = 1;
  while (long.length / every > room) every *= 2;
  return every === 1 ? long : long.filter((label) => label.long % every === 0);
}

/** Places as near as can be to the wanted ones (ascending), at least `apart` from one another. */
export function spread(wanted, apart, limit) {
  const blocks = [];
  wanted.forEach((x, i) => {
    let block = { mean: x - i * apart, size: 1 };
    while (blocks.length && blocks.at(-1).mean > block.mean) {
      const other = blocks.pop(), size = other.size + block.size;
      block = { mean: (other.mean * other.size + block.mean * block.size) / size, size };
    }
    blocks.push(block);
  });
  const last = limit - (wanted.length - 1) * apart;
  return blocks
    .flatMap(({ mean, size }) => Array(size).fill(Math.max(0, Math.min(mean, last))))
    .map((base, i) => base + i * apart);
}
