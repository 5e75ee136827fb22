// The page of one feature: its name and metrics, then the panels of their manifests.

import { ask, of } from "../../web/api.js";
import { featureAddress, h, hueOf, nameOf, partOf, percent, short } from "../../web/dom.js";
import { duration, hasText, inTimeUnit, sequenceName, timeUnit } from "../../web/durations.js";
import { dictionaryOf } from "../../web/feature_list.js";
import { leftOut, panels } from "../../web/manifests.js";
import { exported, go } from "../../web/router.js";
import { naming } from "./naming.js";

const TITLE = 5; // words in the title

/** @typedef {[place: PanelManifest["place"], element: Node]} PlacedPanel */

/** @type {View} */
export default async function featureView(at, run, parameters) {
  const { key } = parameters;
  const number = Number(parameters.number);
  const feature = await ask(`${of(key)}/features/${number}`);
  const view = dictionaryOf(run, key);
  const hue = hueOf(feature.line);
  const { unit } = run;
  document.title = `${nameOf(feature.line, 2)} · feature ${number}`;
  at.classList.add(hue);
  at.append(header(view, feature, run));
  /** @type {PanelPage} */
  const page = { key, number, feature, view, run, unit, hue, answer: answers(key, number) };
  if (!feature.count) {
    const note = "This feature is active on no step of the indexed sequences.";
    const silent = panels.filter((panel) => panel.silent_features);
    const elements = (await drawPanels(page, silent)).map(([, element]) => element);
    at.append(h("section.empty", {}, h("h2", {}, "It never fires"), h("p", {}, note)), ...elements);
    return null;
  }
  at.append(metrics(feature, run));
  const placed = await drawPanels(page, panels);
  const inPlace = (/** @type {PanelManifest["place"]} */ place) =>
    placed.filter(([where]) => where === place).map(([, element]) => element);
  at.append(
    h("section.charts", {}, inPlace("charts")),
    ...inPlace("wide"),
    h("div.columns", {}, h("div", {}, inPlace("main")), h("div", {}, inPlace("aside"))),
  );
  if (leftOut.length) {
    const titles = leftOut.map((title) => `“${title}”`).join(", ");
    const note = `Exported files lack what needs the model: ${titles}. On the machine of the run, sparsetime explore shows it.`;
    at.append(h("p.count.left-out", {}, note));
  }
  const onKey = (/** @type {KeyboardEvent} */ event) => handleKey(event, at, key, feature);
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} at
 * @param {string} key
 * @param {Api.FeatureView} feature
 */
function handleKey(event, at, key, { earlier, later }) {
  if (!(event.target instanceof Element) || event.target.closest("input, textarea, select")) return;
  if (event.key === "n") {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (at.querySelector(".naming input"))?.focus();
  }
  const other = event.key === "ArrowLeft" ? earlier : event.key === "ArrowRight" ? later : null;
  // A chart that has the focus uses the arrow keys itself.
  if (other !== null && event.target.tagName !== "svg") go(featureAddress(key, other));
}

/**
 * The panels with their places; a panel's module may say another place than its manifest.
 * @param {PanelPage} page
 * @param {PanelManifest[]} manifests
 */
async function drawPanels(page, manifests) {
  /** @type {PanelModule[]} */
  const modules = await Promise.all(
    manifests.map(({ name }) => import(`../../panels/${name}/panel.js`)),
  );
  const elements = await Promise.all(modules.map((module) => module.default(page)));
  return elements.flatMap((element, i) => {
    const place = modules[i].place?.(page) ?? manifests[i].place;
    return element ? [/** @type {PlacedPanel} */ ([place, element])] : [];
  });
}

/**
 * Answers below the feature's address, each fetched once however many panels read it.
 * @param {string} key
 * @param {number} number
 * @returns {PanelPage["answer"]}
 */
function answers(key, number) {
  /** @type {Map<string, Promise<any>>} */
  const cache = new Map();
  return (name) => {
    const cached = cache.get(name);
    if (cached) return cached;
    const answer = ask(`${of(key)}/features/${number}/${name}`);
    cache.set(name, answer);
    answer.catch(() => cache.delete(name));
    return answer;
  };
}

/**
 * @param {Api.DictionaryView} view
 * @param {Api.FeatureView} feature
 * @param {Api.Overview} run
 */
function header({ entry }, { line, earlier, later }, run) {
  const query = new URLSearchParams({ dictionary: entry.key, edits: `${line.feature}=1.0` });
  const steering = `/steer?${query}`;
  const step = (
    /** @type {number | null} */ other,
    /** @type {string} */ text,
    /** @type {string} */ sign,
  ) =>
    h(
      "a.button",
      {
        href: other === null ? null : featureAddress(entry.key, other),
        "aria-disabled": other === null ? "true" : null,
        title: `${text} active feature (${sign})`,
      },
      sign,
    );
  const list = `/features?dictionary=${encodeURIComponent(entry.key)}`;
  const part = line.part ? ` · ${partOf(entry, line)}` : "";
  const crumb = [h("a", { href: list }, entry.title), ` · feature ${line.feature}${part}`];
  const named = line.named_by === "label" || line.named_by === "explanation" ? line.name : "";
  const title = named || line.words.slice(0, TITLE).join(", ") || `Feature ${line.feature}`;
  const others = named ? line.words : line.words.slice(TITLE);
  const more = others.length
    ? h("p.lead.small", { dir: "auto" }, `also ${others.join(", ")}`)
    : null;
  return h(
    "header.head",
    {},
    h(
      "div",
      {},
      h("p.crumb", {}, crumb),
      h("h1", { dir: "auto" }, title),
      more,
      naming(entry.key, line),
      exported || !hasText(run) ? null : h("p", {}, h("a", { href: steering }, "Steer with it")),
    ),
    h(
      "nav.steps",
      { "aria-label": "Neighbours" },
      step(earlier, "The previous", "←"),
      step(later, "The next", "→"),
    ),
  );
}

/**
 * @param {Api.FeatureView} feature
 * @param {Api.Overview} run
 */
function metrics({ line, count, runs, mean, half_life_censored, between_share }, run) {
  const { unit } = run;
  const name = sequenceName(run);
  const over = half_life_censored ? "over " : "";
  const inUnit = (/** @type {number} */ steps) => `${inTimeUnit(steps, run)} ${timeUnit(run)}`;
  const halfLife = line.half_life === null ? "–" : `${over}${inUnit(line.half_life)}`;
  // Indexes of 0.1.0 have half-lives about the mean of all sequences.
  const within = between_share === null ? "" : ` within ${name}s`;
  const beside = (/** @type {number | null} */ steps, more = "") =>
    steps !== null && duration(steps, run) ? ` (${more}${short(steps)} ${unit}s)` : "";
  const rows = [
    [inUnit(line.dwell), `mean dwell${beside(line.dwell)}`],
    [halfLife, `half-life${within}${beside(line.half_life, over)}`],
    [
      between_share === null ? "–" : percent(Math.max(0, between_share)),
      `variance between ${name}s`,
    ],
    [percent(line.density), `density: share of the indexed ${unit}s`],
    [inUnit(count), `active${beside(count)}`],
    [short(runs), "runs"],
    [short(line.documents), `${name}s`],
    [short(line.peak), "largest activation"],
    [short(mean), "mean activation"],
  ];
  const entries = rows.map(([value, name]) => h("div", {}, h("dd", {}, value), h("dt", {}, name)));
  return h("dl.statistics", {}, entries);
}
