// The first picture of a run, from its indexes alone, while the server still opens the rest.

import { h } from "../../web/dom.js";
import { ask } from "../../web/api.js";
import { drawThumbnail } from "../../web/thumbnail.js";

export async function preview(at) {
  const { run, dictionaries } = await ask("preview");
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, run), h("p.lead", { role: "status" }, "Opening the run…"))),
    h("div.dictionaries", {}, dictionaries.map(card)));
}

function card(each) {
  const timeline = `/timeline?d=${encodeURIComponent(each.key)}&s=${each.sequence}&from=${each.first}&to=${each.stop}`;
  const picture = h("canvas.thumbnail", { "aria-hidden": "true" });
  drawThumbnail(picture, each);
  return h("article.dictionary", {},
    h("a", { href: timeline, "aria-label": `The timeline of a passage under ${each.key}` }, picture),
    h("h2", {}, each.key), h("p.note", {}, `${each.features.toLocaleString("en")} features.`),
    h("p.ways", {}, h("a.button", { href: timeline }, "Read its timeline")));
}
