// The first picture of a run, from its indexes alone, while the server opens the rest.

import { ask } from "../../web/api.js";
import { h } from "../../web/dom.js";
import { drawThumbnail } from "../../web/thumbnail.js";

/** @param {HTMLElement} at */
export async function preview(at) {
  const { run, dictionaries } = await ask("preview");
  const lead = h("p.lead", { role: "status" }, "Opening the run…");
  at.append(
    h("header.head", {}, h("div", {}, h("h1", {}, run), lead)),
    h("div.dictionaries", {}, dictionaries.map(card)),
  );
}

/** @param {Api.Answer<"preview">["dictionaries"][number]} dictionary */
function card(dictionary) {
  const { key, features, sequence, first, stop } = dictionary;
  const href = `/timeline?d=${encodeURIComponent(key)}&s=${sequence}&from=${first}&to=${stop}`;
  const picture = h("canvas.thumbnail", { "aria-hidden": "true" });
  drawThumbnail(picture, dictionary);
  return h(
    "article.dictionary",
    {},
    h("a", { href, "aria-label": `The timeline of a segment under ${key}` }, picture),
    h("h2", {}, key),
    h("p.note", {}, `${features.toLocaleString("en")} features.`),
    h("p.ways", {}, h("a.button", { href }, "Read its timeline")),
  );
}
