// What drawing needs and the score does not care about: nodes, words as written, room between them.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function node(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== null) made.textContent = text;
  return made;
}

function html(name, className, text = null) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

/** The words as written: the pieces that a tokenizer cut apart are one label; lone marks have none. */
function labelled({ words, gaps }) {
  const labels = [];
  words.forEach((word, index) => {
    if (!/[\p{L}\p{N}]/u.test(word)) return;
    const before = labels.at(-1);
    if (before && before.to === index && !gaps[index]) {
      before.text += word;
      before.to = index + 1;
    } else labels.push({ text: word, from: index, to: index + 1 });
  });
  return labels;
}

/** Places as near as can be to the wanted ones (ascending), at least `apart` from one another. */
function spread(wanted, apart, limit) {
  const blocks = [];
  wanted.forEach((x, index) => {
    let block = { mean: x - index * apart, size: 1 };
    while (blocks.length && blocks.at(-1).mean > block.mean) {
      const other = blocks.pop();
      const size = other.size + block.size;
      block = { mean: (other.mean * other.size + block.mean * block.size) / size, size };
    }
    blocks.push(block);
  });
  const last = limit - (wanted.length - 1) * apart;
  return blocks
    .flatMap(({ mean, size }) => Array(size).fill(Math.max(0, Math.min(mean, last))))
    .map((base, index) => base + index * apart);
}
