// The list of keys: those of the views, by their manifests, and those of every page.

import { h } from "./dom.js";
import { views } from "./manifests.js";

const OF_EVERY_PAGE = [["/", "Search"], ["d", "Light or dark"], ["?", "This list"]];
const OF_THE_TIMELINE = [
  ["wheel, + −", "Zoom"], ["drag, arrows", "Move"], ["0", "Whole sequence"], ["Shift + arrow", "Select a segment"],
  ["Enter", "Pin a row"], ["Space", "Open its feature"],
];

/** Opens or closes the dialog. */
export function toggleKeyHelp() {
  const open = document.getElementById("key-help");
  if (open) { open.remove(); return; }
  const list = (title, keys) => [h("h2", {}, title), h("dl", {}, keys.map(([key, meaning]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning))))];
  const close = () => dialog.remove();
  const dialog = h("dialog", { id: "key-help", "aria-label": "Keys", close },
    list("Views", views.filter((view) => view.key).map((view) => [view.key, view.title])),
    list("Every page", OF_EVERY_PAGE), list("Timeline", OF_THE_TIMELINE),
    h("button", { click: close }, "Close"));
  document.body.append(dialog);
  dialog.showModal();
}
