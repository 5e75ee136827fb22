// Elements, and numbers as words: what every view needs.

import { link } from "./router.js";

/** An element: h("a.strong", {href: "/"}, "text", child, …). Functions become listeners. */
export function h(what, attributes = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "value") made.value = value;
    else if (key === "href" && value[0] === "/") { if (link(value)) made.setAttribute(key, link(value)); }
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** An element of a drawing. */
export function node(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

export const featureAddress = (key, number) => `/features/${encodeURIComponent(key)}/${number}`;

/** The name of a feature: a person's, else one of a feature table, else its over-represented words. */
export const nameOf = ({ feature, label, words, name, named_by: by }, count = 4) =>
  label || (by === "label" && name) || words.slice(0, count).join(", ") || `feature ${feature}`;

/** The colour of a feature's part. */
export const hueOf = ({ part }) => ({ first: "high", rest: "low" })[part] ?? "plain";

/** What a dictionary calls the part that a feature is in; nothing where it has no parts. */
export const partOf = ({ parts }, { part }) => (part && parts ? parts[part === "first" ? 0 : 1] : "");

export function percent(share) {
  if (share === 0) return "0%";
  if (share < 0.0001) return `${+(100 * share).toPrecision(1)}%`;
  return `${(100 * share).toPrecision(share >= 0.1 ? 3 : 2)}%`;
}

export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) return `${+(value / (letter === "k" ? 1e3 : unit)).toPrecision(3)}${letter}`;
  }
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return `${+value.toPrecision(3)}`;
}

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** One of several, as a row of radio buttons. */
export function choices(name, options, chosen, change) {
  return h("div.choices", { role: "radiogroup", "aria-label": name },
    options.map(([value, label]) => h("label", {},
      h("input", { type: "radio", name: `choice-${name}`, value, checked: value === chosen, change: () => change(value) }),
      h("span", {}, label))));
}

export function check(label, on, change) {
  return h("label.check", {}, h("input", { type: "checkbox", checked: on, change: (event) => change(event.target.checked) }), label);
}

/** Wait until calls have stopped for a moment. */
export function settled(work, milliseconds) {
  let timer = null;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), milliseconds); };
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
export const empty = (title, ...more) => h("section.empty", {}, h("h2", {}, title), more.map((text) => h("p", {}, text)));

const tip = document.getElementById("tip");
export function say(place, ...lines) {
  tip.replaceChildren(...lines.map((line, i) => h(i ? "span" : "b", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = place.x + 16 + box.width > innerWidth ? place.x - box.width - 16 : place.x + 16;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(place.y + 16, innerHeight - box.height - 8))}px`;
}
export const hush = () => { tip.hidden = true; };
