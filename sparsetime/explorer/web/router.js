// Where we are: the address of a view, in the path of a live explorer or behind the # of exported files.

import { views } from "./manifests.js";

/** Whether this is one file, without any address to lead to. */
export const embedded = "embedded" in document.documentElement.dataset;
export const exported = document.documentElement.dataset.exported ?? "";

/** The address behind the # of exported files; an earlier one leads to where the view is now. */
function behind() {
  const [at, ...query] = (location.hash.slice(1) || "/").split("?");
  return [views.find((view) => view.moved_from.includes(at))?.path ?? at, ...query].join("?");
}
export const path = () => (exported ? behind().split("?")[0] : location.pathname);
export const here = () => new URLSearchParams(exported ? behind().split("?")[1] ?? "" : location.search);

/** The address of a view ("/timeline?…") as a link must have it; null where it leads nowhere. */
export const link = (address) => (embedded ? null : exported ? `#${address}` : address);

/** Change the address's parameters without a reload. */
export function remember(changes, push = false) {
  const query = here();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  query.delete("token");
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  history[push ? "pushState" : "replaceState"](null, "", link(path() + (text ? `?${text}` : "")));
}

let show = () => {};
export const showWith = (work) => { show = work; };
export function go(address) {
  if (embedded) return;
  history.pushState(null, "", link(address));
  scrollTo(0, 0);
  show();
}
