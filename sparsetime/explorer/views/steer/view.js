// Steer: a prompt continued with edited features and without, both on one axis of steps.

import { ask, of, send } from "../../web/api.js";
import { dropdown, h, messageOf, plural, short } from "../../web/dom.js";
import { hasText } from "../../web/durations.js";
import { dictionaryChoice, keyInAddress } from "../../web/feature_list.js";
import { here, remember } from "../../web/router.js";
import { picker } from "../../web/sequence_picker.js";

const WAIT = "The model is running; the first time it is loaded, which takes some seconds.";
const TAKEN = 24; // tokens of a document that become the prompt
const KEPT = 4; // steps of the prompt that stay in view
const HINT = "Drag over the steps to choose the span with the mouse.";
/** @type {[Api.SteerInput["units"], string][]} */
const UNITS = [
  ["peak", "of the peak"],
  ["spread", "of the site's spread"],
  ["activation", "raw activation"],
];

/** @type {View} */
export default async function steerView(at, run) {
  let key = keyInAddress(run);
  /** @type {NonNullable<Api.SteerInput["units"]>} */
  let units = "peak";
  const prompt = h("textarea", { rows: "3", spellcheck: "false", "aria-label": "Prompt" });
  const edits = h("input", { "aria-label": "Edits", spellcheck: "false" });
  [prompt.value, edits.value] = await Promise.all([
    here().get("prompt") ?? (hasText(run) ? beginning(key, 0) : ""),
    here().get("edits") ?? informative(key),
  ]);
  const span = h("input", { "aria-label": "Span", spellcheck: "false" });
  span.value = here().get("span") ?? "generated()";
  const tokens = h("input", { type: "number", "aria-label": "Steps to write" });
  [edits.size, span.size, tokens.min, tokens.max] = [26, 34, "1", "200"];
  tokens.value = here().get("tokens") ?? "24";
  const status = h("p.count", { "aria-live": "polite" }, HINT);
  const stage = h("div");
  let turn = 0;

  async function play() {
    turn += 1;
    const own = turn;
    status.textContent = WAIT;
    const given = {
      prompt: prompt.value,
      edits: edits.value.split(/[\s,]+/).filter(Boolean),
      span: span.value,
      units,
      tokens: Number(tokens.value),
    };
    remember({ edits: edits.value, span: span.value, prompt: prompt.value, tokens: tokens.value });
    try {
      const response = await send(`${of(key)}/steer`, "POST", given);
      /** @type {Api.SteerAnswer} */
      const answer = await response.json();
      if (own !== turn) return;
      stage.replaceChildren(...drawn(answer, brushed));
      scrollTo(stage, answer.prompt_steps);
      const share =
        answer.relative_norm === null
          ? ""
          : `; what was added is ${short(answer.relative_norm)} times as long as the activation`;
      status.textContent = `${plural(answer.edited_steps, "step")} edited${share}. ${HINT}`;
    } catch (error) {
      if (own === turn) status.textContent = messageOf(error);
    }
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  function brushed(first, last) {
    span.value = `steps(${first}, ${last + 1})`;
    play();
  }

  async function take(/** @type {number} */ sequence) {
    prompt.value = await beginning(key, sequence);
    prompt.focus();
  }

  const named = (/** @type {string} */ text, /** @type {HTMLElement} */ field) =>
    h("label", {}, text, field);
  at.append(
    h(
      "header.head",
      {},
      h(
        "div",
        {},
        h("h1", {}, "Steer"),
        h("p.lead", {}, "Edit features over a span of steps, and read both texts on one axis."),
      ),
      h(
        "div.controls",
        {},
        dictionaryChoice(run, key, (name) => {
          key = name;
          play();
        }),
      ),
    ),
    h(
      "form.steer-form",
      {
        submit: (event) => {
          event.preventDefault();
          play();
        },
      },
      hasText(run) ? picker(key, run, take) : null,
      prompt,
      h(
        "div.fields",
        {},
        named("Edits, such as 12=2.0 or 12=ablate", edits),
        named(
          "Strength in multiples",
          dropdown("units", /** @type {[string, string][]} */ (UNITS), units, (name) => {
            units = /** @type {typeof units} */ (name);
          }),
        ),
        named("Span", span),
        named("Steps to write", tokens),
        h("button.primary", { type: "submit" }, "Steer"),
      ),
    ),
    status,
    stage,
  );
  return null;
}

/**
 * Show the end of the prompt and what was written behind it.
 * @param {HTMLElement} stage
 * @param {number} prompt steps of the prompt
 */
function scrollTo(stage, prompt) {
  const step = stage.querySelectorAll(".steer-step")[Math.max(0, prompt - KEPT)];
  const row = stage.querySelector(".steer-scroll");
  if (row && step) row.scrollLeft += step.getBoundingClientRect().x - row.getBoundingClientRect().x;
}

/**
 * The first tokens of a document, as a prompt; empty where they cannot be read.
 * @param {string} key
 * @param {number} sequence
 */
async function beginning(key, sequence) {
  try {
    const path = /** @type {const} */ (`${of(key)}/sequences/${sequence}/words`);
    const { words, gaps } = await ask(path, { first: 0, stop: TAKEN });
    return words.map((word, i) => `${gaps[i] ?? ""}${word}`).join("");
  } catch {
    return "";
  }
}

/**
 * An edit of the first feature of the list, at its peak: a feature that fires has one.
 * @param {string} key
 */
async function informative(key) {
  const { lines } = await ask(/** @type {const} */ (`${of(key)}/features`), { limit: 1 });
  return `${lines[0]?.feature ?? 0}=1.0`;
}

/**
 * @param {Api.SteerAnswer} answer
 * @param {(first: number, last: number) => void} brushed
 */
function drawn({ steps, prompt_steps }, brushed) {
  const most = Math.max(...steps.map(({ divergence }) => divergence ?? 0), 1e-9);
  const columns = steps.map((step, number) => column(step, number, prompt_steps, most));
  const row = h("div.steer-steps", {}, columns);
  /** @type {number | null} */
  let from = null;
  const numberAt = (/** @type {Event} */ event) => {
    const element = /** @type {Element} */ (event.target).closest(".steer-step");
    return element instanceof HTMLDivElement ? columns.indexOf(element) : -1;
  };
  const mark = (/** @type {number} */ to) => {
    const [first, last] = [Math.min(from ?? to, to), Math.max(from ?? to, to)];
    columns.forEach((own, i) => {
      own.classList.toggle("brushed", i >= first && i <= last);
    });
    return /** @type {const} */ ([first, last]);
  };
  row.addEventListener("pointerdown", (event) => {
    const number = numberAt(event);
    if (number < 0) return;
    from = number;
    mark(number);
  });
  row.addEventListener("pointermove", (event) => {
    if (!event.buttons) from = null; // released outside of the row
    const number = numberAt(event);
    if (from !== null && number >= 0) mark(number);
  });
  row.addEventListener("pointerup", (event) => {
    const number = numberAt(event);
    if (from === null || number < 0) return;
    const [first, last] = mark(number);
    from = null;
    brushed(first, last);
  });
  const heads = h(
    "p.steer-heads",
    {},
    "Above ",
    h("b", {}, "plain"),
    ", below ",
    h("b.high", {}, "steered"),
    `. Bars: KL of the next token, both models on the steered text, up to ${short(most)} nats; `,
    h("b.low", {}, "blue"),
    ": weight of the span.",
  );
  return [heads, h("div.steer-scroll", {}, row)];
}

/**
 * @param {Api.SteeredStep} step
 * @param {number} number
 * @param {number} prompt
 * @param {number} most
 */
function column({ plain, steered, weight, divergence }, number, prompt, most) {
  const bar = h("span.bar");
  bar.style.setProperty("--own", String((divergence ?? 0) / most));
  const share = h("span.weight");
  share.style.setProperty("--own", String(weight));
  const kl = divergence === null ? "" : `, KL ${divergence.toFixed(3)} nats`;
  return h(
    `div.steer-step${number >= prompt ? ".generated" : ""}`,
    { title: `step ${number}, weight ${weight.toFixed(2)}${kl}` },
    h("span.number", {}, String(number)),
    h("span.plain-token", {}, shown(plain)),
    h(`span.steered-token${plain === steered ? "" : ".differs"}`, {}, shown(steered)),
    bar,
    share,
  );
}

/** @param {string | null} token */
const shown = (token) => (token ?? "").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
