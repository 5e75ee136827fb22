// The list of all features of one dictionary: search, filters, sorting.

import { h } from "../../web/dom.js";
import { dictionaryChoice, featureList } from "../../web/feature_list.js";
import { here, remember } from "../../web/router.js";

export default async function featuresView(at, run) {
  const known = run.dictionaries.map((each) => each.entry.key);
  const key = known.includes(here().get("dictionary")) ? here().get("dictionary") : known[0];
  const entry = run.dictionaries.find((each) => each.entry.key === key).entry;
  const again = async (other) => {
    remember({ dictionary: other, density: "", dwell: "", part: "", range: "" }, true);
    at.replaceChildren();
    await featuresView(at, run);
  };
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Features"), h("p.lead", {}, `${entry.title}: ${entry.note}.`)),
    dictionaryChoice(run, key, again)));
  await featureList(at, run, key);
}
