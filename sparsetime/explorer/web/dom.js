// Elements, tooltips, and numbers as text, for all views.

import { link } from "./router.js";

/**
 * An element: h("a.button", {href: "/"}, "text", child, …). Functions become listeners.
 * @template {string} Selector
 * @param {Selector} selector a tag, and classes after dots
 * @param {Attributes<ElementOf<Selector>>} [attributes]
 * @param {Child[]} children null and undefined are left out
 * @returns {ElementOf<Selector>}
 */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, /** @type {any} */ (value));
    else if (key === "value") /** @type {any} */ (element).value = value;
    else if (key === "href" && String(value).startsWith("/")) {
      const address = link(String(value));
      if (address) element.setAttribute(key, address);
    } else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return /** @type {ElementOf<Selector>} */ (element);
}

/**
 * @param {readonly Child[]} children
 * @returns {(Node | string)[]}
 */
function flat(children) {
  return children.flatMap((child) => {
    if (child === null || child === undefined) return [];
    if (typeof child === "string" || typeof child === "number") return [String(child)];
    return "nodeType" in child ? [child] : flat(child);
  });
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function node(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const key in attributes) element.setAttribute(key, String(attributes[key]));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * @param {string} key
 * @param {number} number
 */
export const featureAddress = (key, number) => `/features/${encodeURIComponent(key)}/${number}`;

/**
 * A person's name of a feature, else a feature table's label, an explanation or its words.
 * @param {NamedFeature} feature
 */
export const nameOf = ({ feature, label, words, name, named_by }, count = 4) =>
  label ||
  ((named_by === "label" || named_by === "explanation") && name) ||
  words.slice(0, count).join(", ") ||
  `feature ${feature}`;

/**
 * All words of a feature, for the tooltip of a name that has the first ones; null without any.
 * @param {Pick<NamedFeature, "words">} feature
 */
export const allWords = ({ words }) => words.join(", ") || null;

/**
 * The name of the colour of a feature's part.
 * @param {{part: string}} feature
 * @returns {Hue}
 */
export const hueOf = ({ part }) => (part === "first" ? "high" : part === "rest" ? "low" : "plain");

/**
 * The dictionary's name of the part that a feature is in; empty without parts.
 * @param {Pick<Api.DictionaryEntry, "parts">} entry
 * @param {{part: string}} feature
 */
export const partOf = ({ parts }, { part }) =>
  part && parts ? parts[part === "first" ? 0 : 1] : "";

/**
 * A share in [0, 1] as a percentage of two or three digits.
 * @param {number} share
 */
export function percent(share) {
  if (share === 0) return "0%";
  if (share < 0.0001) return `${+(100 * share).toPrecision(1)}%`;
  return `${(100 * share).toPrecision(share >= 0.1 ? 3 : 2)}%`;
}

/**
 * A number of three digits, with k, M or G for its thousands; a dash where there is none.
 * @param {number | null | undefined} value
 */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toPrecision(3)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return `${+value.toPrecision(3)}`;
}

/**
 * @param {number} count
 * @param {string} noun in the singular
 */
export const plural = (count, noun) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/**
 * Radio buttons in a row.
 * @param {string} name
 * @param {(readonly [string, string])[]} options values and labels
 * @param {string} chosen
 * @param {(value: string) => unknown} change
 */
export function choices(name, options, chosen, change) {
  const radio = (/** @type {string} */ value) =>
    h("input", {
      type: "radio",
      name: `choice-${name}`,
      value,
      checked: value === chosen,
      change: () => change(value),
    });
  return h(
    "div.choices",
    { role: "radiogroup", "aria-label": name },
    options.map(([value, label]) => h("label", {}, radio(value), h("span", {}, label))),
  );
}

/**
 * A drop-down list.
 * @param {string} name
 * @param {(readonly [string, string])[]} options values and labels
 * @param {string} chosen
 * @param {(value: string) => unknown} change
 */
export const dropdown = (name, options, chosen, change) =>
  h(
    "select",
    { "aria-label": name, change: (event) => change(event.currentTarget.value) },
    options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
  );

/**
 * A checkbox with its label.
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean) => unknown} change
 */
export function check(label, on, change) {
  const box = h("input", {
    type: "checkbox",
    checked: on,
    change: (event) => change(event.currentTarget.checked),
  });
  return h("label.check", {}, box, label);
}

/**
 * A debounced function: it runs once calls have stopped for some milliseconds.
 * @template {unknown[]} Arguments
 * @param {(...values: Arguments) => unknown} work
 * @param {number} milliseconds
 * @returns {(...values: Arguments) => void}
 */
export function settled(work, milliseconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}

/**
 * For answers that may overtake each other: a function to call with each request, which gives one
 * that says whether the request is still the last.
 */
export function latest() {
  let turn = 0;
  return () => {
    turn += 1;
    const mine = turn;
    return () => mine === turn;
  };
}

/**
 * The value of a colour of the theme.
 * @param {string} name
 */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * The words of a view that has nothing to show.
 * @param {string} title
 * @param {string[]} more paragraphs
 */
export const empty = (title, ...more) =>
  h(
    "section.empty",
    {},
    h("h2", {}, title),
    more.map((text) => h("p", {}, text)),
  );

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * The element with an id that the page's HTML holds.
 * @param {string} id
 */
export function pageElement(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element #${id}; its HTML and scripts differ.`);
  return element;
}

/**
 * Show the tooltip beside a place, its first line bold. It stays inside the window.
 * @param {{x: number, y: number}} place
 * @param {string[]} lines
 */
export function say(place, ...lines) {
  const tip = pageElement("tip");
  tip.replaceChildren(...lines.map((line, i) => h(i ? "span" : "b", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = place.x + 16 + box.width > innerWidth ? place.x - box.width - 16 : place.x + 16;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(place.y + 16, innerHeight - box.height - 8))}px`;
}

/** Hide the tooltip. */
export const hush = () => {
  pageElement("tip").hidden = true;
};
