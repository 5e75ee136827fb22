// Logit effects: tokens that a feature raises and lowers. A button asks, as that loads the model.

import { h, short } from "../../web/dom.js";

const list = (title, tokens) => h("div", {}, h("h3", {}, title), h("ul", {}, tokens.map(({ token, logit }) =>
  h("li", {}, h("code", { dir: "auto" }, token), h("b", {}, `${logit > 0 ? "+" : ""}${short(logit)}`)))));

export default function logitEffects(page) {
  const note = h("p.count", { "aria-live": "polite" }, "Its atom, projected onto the model's unembedding. This loads the model.");
  const place = h("div.logits"), button = h("button", { click: async () => {
    button.disabled = true;
    note.textContent = "Loading the model…";
    try {
      const { raised, lowered } = await page.answer("logit_effects");
      place.replaceChildren(list("Raises", raised), list("Lowers", lowered));
      note.textContent = "Logits that one unit of activation adds, beyond the mean token; later layers are skipped.";
      button.remove();
    } catch (error) { note.textContent = error.message; button.disabled = false; }
  } }, "Compute");
  return h("section.side", {}, h("div.section-head", {}, h("h2", {}, "Logit effects"), note), button, place);
}
