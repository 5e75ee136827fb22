// The name and the star that a user gives a feature.

import { of, send } from "../../web/api.js";
import { h, messageOf } from "../../web/dom.js";
import { exported } from "../../web/router.js";

/**
 * A field and a star, kept on the server at each change; text alone in an export.
 * @param {string} key
 * @param {Api.FeatureLine} line
 */
export function naming(key, line) {
  if (exported) return h("p.lead", {}, line.starred ? "★ " : "", line.label);
  const status = h("output.count", { "aria-live": "polite" });
  let starred = line.starred;
  let name = line.label;
  const save = async () => {
    try {
      await send(`${of(key)}/features/${line.feature}/label`, "PUT", { name, starred });
      status.textContent = "kept";
    } catch (error) {
      status.textContent = messageOf(error);
    }
  };
  const toggle = () => {
    starred = !starred;
    star.setAttribute("aria-pressed", String(starred));
    star.textContent = starred ? "★" : "☆";
    save();
  };
  const star = h(
    "button.star",
    { type: "button", "aria-pressed": String(starred), "aria-label": "Star", click: toggle },
    starred ? "★" : "☆",
  );
  const field = h("input", {
    placeholder: "Name this feature (n)",
    "aria-label": "Name",
    value: name,
    maxlength: "200",
    change: (event) => {
      name = event.currentTarget.value;
      save();
    },
    keydown: (event) => {
      if (event.key === "Enter") event.currentTarget.blur();
    },
  });
  return h("div.naming", {}, star, field, status);
}
