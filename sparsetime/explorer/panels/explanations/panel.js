// Explanations of a feature: rules as chips, with held-out scores; where they are right and wrong.

import { h, messageOf } from "../../web/dom.js";
import { explanationContexts, explanationList } from "../../web/explanation.js";
import { link } from "../../web/router.js";

/** @type {PanelModule["default"]} */
export default async function explanations(page) {
  try {
    const answer = await page.answer("explanations");
    if (!answer.explanations.length) return null;
    const query = `?dictionary=${encodeURIComponent(page.key)}&feature=${page.number}`;
    const all = h("a", { href: link(`/explanations${query}`) }, "next features to explain");
    return h(
      "section.explanations",
      {},
      h(
        "div.section-head",
        {},
        h("h2", {}, "When it fires"),
        h("p", {}, "Rules, with balanced accuracy on recordings that chose nothing; ", all, "."),
      ),
      explanationList(answer),
      explanationContexts(answer, page.key, page.hue),
    );
  } catch (error) {
    return h("section.side", {}, h("h2", {}, "Explanations"), h("p.count", {}, messageOf(error)));
  }
}
