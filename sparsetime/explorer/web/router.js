// The address of a view, in the path of a live explorer or behind the # of exported files.

import { views } from "./manifests.js";

/** Whether the page is one file, without addresses of views. */
export const embedded = "embedded" in document.documentElement.dataset;

/** What an exported folder holds; empty in a live explorer. */
export const exported = document.documentElement.dataset.exported ?? "";

/** The address behind the # of exported files; an earlier one becomes the present one. */
function afterHash() {
  const [address, ...query] = (location.hash.slice(1) || "/").split("?");
  const present = views.find((view) => view.moved_from.includes(address))?.path ?? address;
  return [present, ...query].join("?");
}

export const path = () => (exported ? afterHash().split("?")[0] : location.pathname);

/** The query parameters of the address. */
export const here = () =>
  new URLSearchParams(exported ? (afterHash().split("?")[1] ?? "") : location.search);

/**
 * The address of a view ("/timeline?…") as a link must have it; null where it leads nowhere.
 * @param {string} address
 */
export const link = (address) => (embedded ? null : exported ? `#${address}` : address);

/**
 * Set query parameters of the address without a reload; empty ones are removed.
 * @param {Record<string, string | number | null | undefined>} changes
 * @param {boolean} [push] whether the browser's back button returns to the address before
 */
export function remember(changes, push = false) {
  const query = here();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, String(value));
  }
  query.delete("token"); // it opened the page; a copied address must not carry it
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  history[push ? "pushState" : "replaceState"](null, "", link(path() + (text ? `?${text}` : "")));
}

/** @type {() => unknown} */
let showView = () => {};

/**
 * Set the function that draws the view of the address.
 * @param {() => unknown} show
 */
export const showWith = (show) => {
  showView = show;
};

/** @param {string} address */
export function go(address) {
  if (embedded) return;
  history.pushState(null, "", link(address));
  scrollTo(0, 0);
  showView();
}
