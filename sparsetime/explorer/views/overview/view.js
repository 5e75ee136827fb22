// The first page of a run: its dictionaries side by side, how they learn, what the data is.

import { here, remember } from "../../web/router.js";
import { empty, h, percent, short } from "../../web/dom.js";
import { ask } from "../../web/api.js";
import { drawCurves } from "../../web/plotly_charts.js";
import { dictionaryChoice, featureList } from "../../web/feature_list.js";
import { drawThumbnail } from "../../web/thumbnail.js";

/** What is shown while the server still opens the run. */
export { preview } from "./preview.js";

const WATCH = 3000; // milliseconds between two looks at a training that still runs
const FIGURES = [
  ["fvu", "unexplained variance", percent], ["l0", "active latents, L0", short],
  ["dwell_median", "median dwell", short], ["flicker_share", "flicker", percent],
];

export default async function overviewView(at, run) {
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, run.title), h("p.lead", {}, run.lead))));
  if (run.notes.length) at.append(h("ul.notes", {}, run.notes.map((note) => h("li", {}, note))));
  const cards = h("div.dictionaries", {}, run.dictionaries.map((view) => card(view, run)));
  at.append(cards);
  const [training, stop] = trainingSection(run);
  at.append(training);
  if (run.dictionaries.length) await featuresSection(at, run);
  if (run.comparison.length) at.append(comparisonSection(run));
  at.append(dataSection(run));
  if (!run.dictionaries.length && !run.notes.length) cards.append(empty("No dictionary is indexed yet", "Train one with sparsetime train, then sparsetime index."));
  return stop;
}

function card(view, run) {
  const { entry, figures, opens_at: [sequence, first, stop] } = view;
  const timeline = `/timeline?d=${encodeURIComponent(entry.key)}&s=${sequence}&from=${first}&to=${stop}`;
  const picture = h("canvas.thumbnail", { "aria-hidden": "true" });
  ask(`dictionaries/${encodeURIComponent(entry.key)}/sequences/${sequence}/timeline`, { first, stop, rows: 40 }).then((chart) => drawThumbnail(picture, chart));
  const known = FIGURES.filter(([name]) => figures[name] !== undefined);
  return h("article.dictionary", {},
    h("a", { href: timeline, "aria-label": `The timeline of a passage under ${entry.title}` }, picture),
    h("h2", {}, entry.title), h("p.note", {}, `${entry.note}; ${view.dead.toLocaleString("en")} dead.`),
    h("dl", {}, known.map(([name, label, format]) => h("div", {}, h("dd", {}, format(figures[name])), h("dt", {}, label)))),
    h("p.ways", {}, h("a.button", { href: timeline }, "Read its timeline"), h("a", { href: `/features?dictionary=${encodeURIComponent(entry.key)}` }, "All features")));
}

/** Curves, drawn when they are there: plotly.js is large, and the first picture must not wait for it. */
function trainingSection(run) {
  const place = h("div.plot", { role: "img", "aria-label": "Training curves" });
  const said = h("p");
  const section = h("section", { hidden: true }, h("div.section-head", {}, h("h2", {}, "Training"), said), place);
  let timer = null, stopped = false, drawn = "";
  const titles = new Map(run.dictionaries.map((view) => [view.entry.key, view.entry.title]));
  async function look() {
    const curves = await ask("training");
    if (stopped) return;
    section.hidden = !curves.length;
    const running = curves.filter((curve) => !curve.finished);
    const state = JSON.stringify(curves.map((curve) => [curve.label, curve.x.at(-1)]));
    if (state !== drawn) await drawCurves(place, curves.map((curve) => ({ ...curve, label: titles.get(curve.label) ?? curve.label })));
    drawn = state;
    const what = curves.every((curve) => curve.figure === "fvu") ? "Unexplained variance, FVU" : "Training loss";
    said.textContent = `${what}, by rows seen.${running.length ? ` Still running: ${running.map((curve) => curve.label).join(", ")}.` : ""}`;
    if (running.length) timer = setTimeout(() => look().catch(() => {}), WATCH);
  }
  look().catch((error) => { section.hidden = false; said.textContent = error.message; });
  return [section, () => { stopped = true; clearTimeout(timer); }];
}

async function featuresSection(at, run) {
  const known = run.dictionaries.map((view) => view.entry.key);
  const section = h("section");
  at.append(section);
  const show = async (key) => {
    section.replaceChildren(h("div.section-head.split", {},
      h("div", {}, h("h2", {}, "Features"), h("p", {}, "Drag over a histogram to see the features in that range.")),
      dictionaryChoice(run, key, (other) => { remember({ dictionary: other, density: "", dwell: "" }); show(other); })));
    await featureList(section, run, key, { compact: true });
  };
  await show(known.includes(here().get("dictionary")) ? here().get("dictionary") : known[0]);
}

function comparisonSection(run) {
  const meaning = new Map(run.definitions.map((each) => [each.name, each]));
  return h("section", {}, h("div.section-head", {}, h("h2", {}, "Side by side"), h("p", {}, "Point at a name for its definition.")),
    h("div.scroll", {}, h("table", {},
      h("thead", {}, h("tr", {}, h("th"), run.dictionaries.map((view) => [
        h("th", { scope: "col" }, view.entry.title), view.entry.parts ? [h("th.sub", {}, h("i.dot.high"), view.entry.parts[0]), h("th.sub", {}, h("i.dot.low"), view.entry.parts[1])] : null]))),
      h("tbody", {}, run.comparison.map((row) => h("tr", {},
        h("th", { scope: "row" }, h("abbr", { title: [row.definition, meaning.get(row.name)?.range].filter(Boolean).join(" · ") }, row.label)),
        row.cells.map((cell, i) => [h("td.main", { title: cell.note || null }, cell.text),
          run.dictionaries[i].entry.parts ? [h("td", {}, cell.first), h("td", {}, cell.rest)] : null])))))));
}

function dataSection(run) {
  return h("section", {}, h("div.section-head", {}, h("h2", {}, "Data and settings")),
    h("dl.facts", {}, run.facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    run.config ? h("details", {}, h("summary", {}, "config.yaml"), h("pre", {}, run.config)) : null);
}
