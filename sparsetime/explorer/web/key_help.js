// The list of keys: those of the views, by their manifests, and those of every page.

import { h } from "./dom.js";
import { views } from "./manifests.js";

/** @typedef {[key: string, meaning: string]} Key */

/** @type {Key[]} */
const OF_EVERY_PAGE = [
  ["/", "Search"],
  ["d", "Light or dark"],
  ["?", "This list"],
];

/** @type {Key[]} */
const OF_THE_TIMELINE = [
  ["wheel, + −", "Zoom"],
  ["drag, arrows", "Move"],
  ["0", "Whole sequence"],
  ["Shift + arrow", "Select a segment"],
  ["Enter", "Pin a row"],
  ["Space", "Open its feature"],
];

/** Open or close the dialog. */
export function toggleKeyHelp() {
  const open = document.getElementById("key-help");
  if (open) {
    open.remove();
    return;
  }
  const keysOfViews = views
    .filter((view) => view.key)
    .map((view) => /** @type {Key} */ ([view.key, view.title]));
  const close = () => document.getElementById("key-help")?.remove();
  const dialog = h(
    "dialog",
    { id: "key-help", "aria-label": "Keys", close },
    list("Views", keysOfViews),
    list("Every page", OF_EVERY_PAGE),
    list("Timeline", OF_THE_TIMELINE),
    h("button", { click: close }, "Close"),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * @param {string} title
 * @param {Key[]} keys
 */
const list = (title, keys) => [
  h("h2", {}, title),
  h(
    "dl",
    {},
    keys.map(([key, meaning]) =>
      h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)),
    ),
  ),
];
