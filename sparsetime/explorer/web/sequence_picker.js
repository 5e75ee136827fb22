// A search field that chooses a sequence by its name or by words in its text.

import { ask, of } from "./api.js";
import { h, plural, settled } from "./dom.js";
import { hasText, inTimeUnit, sequenceName, timeUnit } from "./durations.js";
import { conditionChoice, recordingLabels } from "./recording_filter.js";

const PAUSE = 140; // milliseconds without a key before the search
const MOST = 40;
const CLOSE = 120; // milliseconds, so that a click on the list comes before it closes

/**
 * @param {string} key of the dictionary
 * @param {import("./durations.js").StepUnit} run
 * @param {(sequence: number) => unknown} choose
 */
export function picker(key, run, choose) {
  const list = h("div.found", { role: "listbox", hidden: true });
  const name = sequenceName(run);
  const label = `Find a ${name}`;
  const field = h("input", {
    type: "search",
    placeholder: hasText(run) ? `${label}: name or words` : `${label} by name`,
    "aria-label": label,
  });
  const box = h("div.picker", {}, field, list);
  let turn = 0; // of searches; answers to earlier ones are dropped
  let only = ""; // a condition on the recordings
  const labels = recordingLabels(key).catch(() => []);

  async function search() {
    turn += 1;
    const mine = turn;
    const query = { words: field.value, limit: MOST, only };
    const [page, known] = await Promise.all([ask(`${of(key)}/sequences`, query), labels]);
    if (mine !== turn) return;
    const options = page.lines.map(({ sequence, title, length }) =>
      h(
        "button",
        { role: "option", click: () => choose(sequence) },
        h("span", { dir: "auto" }, title),
        h("small", {}, `${inTimeUnit(length, run)} ${timeUnit(run)}`),
      ),
    );
    const all = plural(page.total, name);
    const first = `The first ${options.length} of ${all}; type to find others`;
    const choice = conditionChoice(known, name, only, (condition) => {
      only = condition;
      search().catch(() => {});
    });
    const count = h("p.count", {}, options.length < page.total ? first : all);
    list.replaceChildren(...(choice ? [choice] : []), count, ...options);
    list.hidden = false;
  }

  const searchLater = settled(() => search().catch(() => {}), PAUSE);
  field.addEventListener("input", searchLater);
  field.addEventListener("focus", searchLater);
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && box.contains(event.relatedTarget)) return;
    turn += 1;
    setTimeout(() => {
      if (!box.contains(document.activeElement)) list.hidden = true;
    }, CLOSE);
  });
  box.addEventListener("keydown", (event) => {
    /** @type {(Element | null)[]} */
    const buttons = [...list.querySelectorAll("button")];
    const options = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Escape") {
      list.hidden = true;
      field.blur();
    } else if (event.key === "ArrowDown") (options[at + 1] ?? options[0])?.focus();
    else if (event.key === "ArrowUp") (options[at - 1] ?? field).focus();
    else if (event.key === "Enter" && at < 0) options[0]?.click();
    else return;
    event.preventDefault();
  });
  return box;
}
