// Logit effects: tokens that a feature raises and lowers. A button asks, as that loads the model.

import { h, messageOf, short } from "../../web/dom.js";

const BEFORE = "Its atom, projected onto the model's unembedding. This loads the model.";
const AFTER =
  "Logits that one unit of activation adds, beyond the mean token; later layers are skipped.";

/** @type {PanelModule["default"]} */
export default function logitEffects(page) {
  const note = h("p.count", { "aria-live": "polite" }, BEFORE);
  const place = h("div.logits");
  const load = async () => {
    button.disabled = true;
    note.textContent = "Loading the model…";
    try {
      const { raised, lowered } = await page.answer("logit_effects");
      place.replaceChildren(list("Raises", raised), list("Lowers", lowered));
      note.textContent = AFTER;
      button.remove();
    } catch (error) {
      note.textContent = messageOf(error);
      button.disabled = false;
    }
  };
  const button = h("button", { click: load }, "Compute");
  const head = h("div.section-head", {}, h("h2", {}, "Logit effects"), note);
  return h("section.side", {}, head, button, place);
}

/**
 * @param {string} title
 * @param {Api.LogitEffects["raised"]} effects
 */
function list(title, effects) {
  const items = effects.map(({ token, logit }) => {
    const value = h("b", {}, `${logit > 0 ? "+" : ""}${short(logit)}`);
    return h("li", {}, h("code", { dir: "auto" }, token), value);
  });
  return h("div", {}, h("h3", {}, title), h("ul", {}, items));
}
