// Names and stars of features: the list, its export as JSON, and the import.

import { ask, send } from "../../web/api.js";
import { empty, featureAddress, h, messageOf, plural } from "../../web/dom.js";
import { exported } from "../../web/router.js";

const LEAD = "Names and stars of features, kept beside the run in labels.jsonl.";

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
export default async function labelsView(at, run) {
  const labels = await ask("labels");
  const status = h("p.count", { "aria-live": "polite" });
  const importFile = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    try {
      await send("labels", "POST", JSON.parse(await file.text()));
      at.replaceChildren();
      await labelsView(at, run);
    } catch (error) {
      status.textContent = `Not imported: ${messageOf(error)}`;
    }
  };
  const field = h("input", {
    type: "file",
    accept: "application/json,.json",
    hidden: true,
    change: (event) => importFile(event.currentTarget.files?.[0]),
  });
  const href = exported ? "data/labels.json" : "/api/labels";
  const ways = [
    h("a.button", { href, download: `labels-${run.run}.json` }, "Export JSON"),
    exported ? null : [h("button", { click: () => field.click() }, "Import JSON"), field],
  ];
  const head = h("div", {}, h("h1", {}, "Labels"), h("p.lead", {}, LEAD));
  at.append(h("header.head", {}, head, h("div.controls", {}, ways)), status);
  if (!labels.length) {
    const how = "Open a feature and type one, or star it. The key n jumps to the name.";
    at.append(empty("No feature has a name yet", how));
    return;
  }
  const stale = labels.filter((label) => label.stale).length;
  const note = `; ${stale} of them for weights that the dictionary no longer has, so they name nothing now`;
  status.textContent = plural(labels.length, "label") + (stale ? note : "");
  const titles = new Map(run.dictionaries.map(({ entry }) => [entry.key, entry.title]));
  const lines = labels.map((label) =>
    labelLine(label, titles.get(label.dictionary) ?? label.dictionary),
  );
  at.append(h("div.lines.compact", {}, lines));
}

/**
 * @param {Api.Label} label
 * @param {string} title of the dictionary
 */
const labelLine = ({ dictionary, feature, name, starred, stale }, title) =>
  h(
    `a.line.plain${stale ? ".stale" : ""}`,
    { href: featureAddress(dictionary, feature) },
    h("span.id", {}, feature),
    h("span.name", { dir: "auto" }, starred ? "★ " : "", name || "starred"),
    h("span.fact", {}, stale ? "of earlier weights" : title),
  );
