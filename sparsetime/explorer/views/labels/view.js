// Names and stars of features: the list, its export as JSON and its import.

import { exported } from "../../web/router.js";
import { empty, featureAddress, h, plural } from "../../web/dom.js";
import { ask, send } from "../../web/api.js";

export default async function labelsView(at, run) {
  const labels = await ask("labels"), said = h("p.count", { "aria-live": "polite" });
  const titles = new Map(run.dictionaries.map((each) => [each.entry.key, each.entry.title]));
  const file = h("input", { type: "file", accept: "application/json,.json", hidden: true, change: async () => {
    try {
      const given = JSON.parse(await file.files[0].text());
      await send("labels", "POST", given);
      at.replaceChildren();
      await labelsView(at, run);
    } catch (error) { said.textContent = `Not imported: ${error.message}`; }
  } });
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Labels"), h("p.lead", {}, "Names and stars of features, kept beside the run in labels.jsonl.")),
    h("div.controls", {}, h("a.button", { href: exported ? "data/labels.json" : "/api/labels", download: `labels-${run.run}.json` }, "Export JSON"),
      exported ? null : [h("button", { click: () => file.click() }, "Import JSON"), file])), said);
  if (!labels.length) {
    at.append(empty("No feature has a name yet", "Open a feature and type one, or star it. The key n jumps to the name."));
    return;
  }
  const stale = labels.filter((label) => label.stale).length;
  said.textContent = plural(labels.length, "label") + (stale ? `; ${stale} of them for weights that the dictionary no longer has, so they name nothing now` : "");
  at.append(h("div.lines.compact", {}, labels.map((label) => h(`a.line.plain${label.stale ? ".stale" : ""}`, { href: featureAddress(label.dictionary, label.feature) },
    h("span.id", {}, label.feature), h("span.name", { dir: "auto" }, label.starred ? "★ " : "", label.name || "starred"),
    h("span.fact", {}, label.stale ? "of earlier weights" : titles.get(label.dictionary) ?? label.dictionary)))));
}
