// Choosing a sequence by its name or by words in its text.

import { h, plural, settled } from "./dom.js";
import { ask, of } from "./api.js";

export function picker(key, choose) {
  const list = h("div.found", { role: "listbox", hidden: true });
  const field = h("input", { type: "search", placeholder: "Find a sequence: name or words", "aria-label": "Find a sequence" });
  const box = h("div.picker", {}, field, list);
  let turn = 0;
  async function look() {
    const mine = ++turn;
    const found = await ask(`${of(key)}/sequences`, { words: field.value, limit: 40 });
    if (mine !== turn) return;
    list.replaceChildren(h("p.count", {}, plural(found.total, "sequence")),
      ...found.lines.map((line) => h("button", { role: "option", click: () => choose(line.sequence) },
        h("span", { dir: "auto" }, line.title), h("small", {}, line.length.toLocaleString("en")))));
    list.hidden = false;
  }
  const later = settled(() => look().catch(() => {}), 140);
  field.addEventListener("input", later);
  field.addEventListener("focus", later);
  box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) { turn += 1; setTimeout(() => { if (!box.contains(document.activeElement)) list.hidden = true; }, 120); } });
  box.addEventListener("keydown", (event) => {
    const options = [...list.querySelectorAll("button")], at = options.indexOf(document.activeElement);
    if (event.key === "Escape") { list.hidden = true; field.blur(); }
    else if (event.key === "ArrowDown") (options[at + 1] ?? options[0])?.focus();
    else if (event.key === "ArrowUp") (options[at - 1] ?? field).focus();
    else if (event.key === "Enter" && at < 0) options[0]?.click();
    else return;
    event.preventDefault();
  });
  return box;
}
