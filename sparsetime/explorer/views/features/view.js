// The list of all features of one dictionary: search, filters, sorting.

import { h } from "../../web/dom.js";
import {
  dictionaryChoice,
  dictionaryOf,
  featureList,
  keyInAddress,
} from "../../web/feature_list.js";
import { remember } from "../../web/router.js";

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
export default async function featuresView(at, run) {
  const key = keyInAddress(run);
  const { title, note } = dictionaryOf(run, key).entry;
  const open = async (/** @type {string} */ other) => {
    remember({ dictionary: other, density: "", dwell: "", part: "", range: "" }, true);
    at.replaceChildren();
    await featuresView(at, run);
  };
  const head = h("div", {}, h("h1", {}, "Features"), h("p.lead", {}, `${title}: ${note}.`));
  at.append(h("header.head", {}, head, dictionaryChoice(run, key, open) ?? []));
  await featureList(at, run, key);
}
