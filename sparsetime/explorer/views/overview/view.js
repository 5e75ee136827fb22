// The overview of a run: its dictionaries, training curves, features, metrics and settings.

import { ask, of } from "../../web/api.js";
import { empty, h, messageOf, percent, short } from "../../web/dom.js";
import { duration, segmentName } from "../../web/durations.js";
import { dictionaryChoice, featureList, keyInAddress } from "../../web/feature_list.js";
import { drawCurves } from "../../web/plotly_charts.js";
import { remember } from "../../web/router.js";
import { drawThumbnail } from "../../web/thumbnail.js";

/** The page while the server still opens the run. */
export { preview } from "./preview.js";

const WATCH = 3000; // milliseconds between two reads of a training that still runs
/** @type {[string, string, (value: number) => string][]} */
const METRICS = [
  ["fvu", "unexplained variance", percent],
  ["l0", "active latents, L0", short],
  ["dwell_median", "median dwell", short],
  ["flicker_share", "flicker", percent],
];

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
export default async function overviewView(at, run) {
  const { title, lead, notes, dictionaries } = run;
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, title), h("p.lead", {}, lead))));
  if (notes.length) {
    const items = notes.map((note) => h("li", {}, note));
    at.append(h("ul.notes", {}, items));
  }
  at.append(
    h(
      "div.dictionaries",
      {},
      dictionaries.map((view) => card(view, run)),
    ),
  );
  if (!dictionaries.length && !notes.length) {
    const how = "Train one with sparsetime train, then sparsetime index.";
    at.lastElementChild?.append(empty("No dictionary is indexed yet", how));
  }
  const [training, stop] = trainingSection(run);
  at.append(training);
  if (dictionaries.length) await featuresSection(at, run);
  if (run.comparison.length) at.append(comparisonSection(run));
  at.append(dataSection(run));
  return stop;
}

/**
 * @param {Api.DictionaryView} view
 * @param {Api.Overview} run
 */
function card(view, run) {
  const { entry, figures, opens_at, dead, active, indexed, measured_on } = view;
  const [sequence, first, stop] = opens_at;
  const key = encodeURIComponent(entry.key);
  const href = `/timeline?d=${key}&s=${sequence}&from=${first}&to=${stop}`;
  const picture = h("canvas.thumbnail", { "aria-hidden": "true" });
  ask(`${of(entry.key)}/sequences/${sequence}/timeline`, { first, stop, rows: 40 }).then((data) =>
    drawThumbnail(picture, data),
  );
  const measured = METRICS.filter(([name]) => figures[name] !== undefined);
  const facts = measured.map(([name, label, format]) => {
    const value = format(figures[name]);
    const time = name === "dwell_median" ? duration(figures[name], run) : "";
    const text = time ? `${label} (${value} ${run.unit}s)` : label;
    return h("div", {}, h("dd", {}, time || value), h("dt", {}, text));
  });
  const ways = [
    h("a.button", { href }, "Read its timeline"),
    h("a", { href: `/features?dictionary=${key}` }, "All features"),
  ];
  return h(
    "article.dictionary",
    {},
    h(
      "a",
      { href, "aria-label": `The timeline of a ${segmentName(run)} under ${entry.title}` },
      picture,
    ),
    h("h2", {}, entry.title),
    h("p.note", {}, `${entry.note}.`),
    h("dl", {}, facts),
    measured_on ? h("p.count", {}, `Measured on ${measured_on}.`) : null,
    h(
      "p.count",
      {},
      `Indexed: ${indexed}; ${dead.toLocaleString("en")} features never fire there`,
      // The same quantity is shown once: over the data of the evaluation where there is one.
      figures.l0 === undefined ? `, and ${short(active)} fire at a time.` : ".",
    ),
    h("p.ways", {}, ways),
  );
}

/**
 * Training curves, drawn once they are there: plotly.js is large, and the first picture must not
 * wait for it.
 * @param {Api.Overview} run
 * @returns {[HTMLElement, () => void]} the section, and what stops its updates
 */
function trainingSection(run) {
  const place = h("div.plot", { role: "img", "aria-label": "Training curves" });
  const note = h("p");
  const head = h("div.section-head", {}, h("h2", {}, "Training"), note);
  const section = h("section", { hidden: true }, head, place);
  const titles = new Map(run.dictionaries.map(({ entry }) => [entry.key, entry.title]));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let stopped = false;
  let drawn = "";

  async function update() {
    const curves = await ask("training");
    if (stopped) return;
    section.hidden = !curves.length;
    const running = curves.filter((curve) => !curve.finished).map((curve) => curve.label);
    const state = JSON.stringify(curves.map((curve) => [curve.label, curve.x.at(-1)]));
    if (state !== drawn) {
      const titled = curves.map((curve) => ({
        ...curve,
        label: titles.get(curve.label) ?? curve.label,
      }));
      await drawCurves(place, titled);
    }
    drawn = state;
    const what = curves.every((curve) => curve.figure === "fvu")
      ? "Unexplained variance, FVU"
      : "Training loss";
    const still = running.length ? ` Still running: ${running.join(", ")}.` : "";
    note.textContent = `${what}, by rows seen.${still}`;
    if (running.length) timer = setTimeout(() => update().catch(() => {}), WATCH);
  }

  update().catch((error) => {
    section.hidden = false;
    note.textContent = messageOf(error);
  });
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
  };
  return [section, stop];
}

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
async function featuresSection(at, run) {
  const section = h("section");
  at.append(section);
  const show = async (/** @type {string} */ key) => {
    const note = "Drag over a histogram to see the features in that range.";
    const choice = dictionaryChoice(run, key, (other) => {
      remember({ dictionary: other, density: "", dwell: "" });
      show(other);
    });
    const title = h("div", {}, h("h2", {}, "Features"), h("p", {}, note));
    section.replaceChildren(h("div.section-head.split", {}, title, choice));
    await featureList(section, run, key, { compact: true });
  };
  await show(keyInAddress(run));
}

/** @param {Api.Overview} run */
function comparisonSection({ dictionaries, comparison, comparison_notes, definitions }) {
  const ranges = new Map(definitions.map(({ name, range }) => [name, range]));
  const titles = dictionaries.map(({ entry: { title, parts } }) => [
    h("th", { scope: "col" }, title),
    parts && h("th.sub", {}, h("i.dot.high"), parts[0]),
    parts && h("th.sub", {}, h("i.dot.low"), parts[1]),
  ]);
  const rows = comparison.map(({ name, label, definition, cells }) => {
    const meaning = [definition, ranges.get(name)].filter(Boolean).join(" · ");
    const values = cells.map(({ text, note, first, rest }, i) => [
      h("td.main", { title: note || null }, text),
      dictionaries[i].entry.parts && [h("td", {}, first), h("td", {}, rest)],
    ]);
    return h("tr", {}, h("th", { scope: "row" }, h("abbr", { title: meaning }, label)), values);
  });
  const head = h("thead", {}, h("tr", {}, h("th"), titles));
  const sentences = [...comparison_notes, "Point at a name for its definition."];
  const note = h("p", {}, sentences.join(" "));
  return h(
    "section",
    {},
    h("div.section-head", {}, h("h2", {}, "Side by side"), note),
    h("div.scroll", {}, h("table", {}, head, h("tbody", {}, rows))),
  );
}

/** @param {Api.Overview} run */
function dataSection({ facts, config }) {
  const entries = facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  return h(
    "section",
    {},
    h("div.section-head", {}, h("h2", {}, "Data and settings")),
    h("dl.facts", {}, entries),
    config ? h("details", {}, h("summary", {}, "config.yaml"), h("pre", {}, config)) : null,
  );
}
