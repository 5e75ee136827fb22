// The page of one feature: its name and metrics, then the panels of their manifests.

import { ask, of, send } from "../../web/api.js";
import { featureAddress, h, hueOf, nameOf, partOf, percent, short } from "../../web/dom.js";
import { panels } from "../../web/manifests.js";
import { exported, go } from "../../web/router.js";

export default async function featureView(at, run, parameters) {
  const { key } = parameters, number = Number(parameters.number);
  const [feature, view] = [await ask(`${of(key)}/features/${number}`), run.dictionaries.find(({ entry }) => entry.key === key)];
  const { line } = feature, hue = hueOf(line), unit = run.unit;
  document.title = `${nameOf(line, 2)} · feature ${number}`;
  at.classList.add(hue);
  const step = (other, text, sign) => h("a.button", { href: other === null ? null : featureAddress(key, other), "aria-disabled": other === null ? "true" : null, title: `${text} active feature (${sign})` }, sign);
  at.append(h("header.head", {}, h("div", {},
    h("p.crumb", {}, h("a", { href: `/features?dictionary=${encodeURIComponent(key)}` }, view.entry.title), ` · feature ${number}${line.part ? ` · ${partOf(view.entry, line)}` : ""}`),
    h("h1", { dir: "auto" }, line.words.slice(0, 5).join(", ") || `Feature ${number}`), naming(key, line)),
    h("nav.steps", { "aria-label": "Neighbours" }, step(feature.earlier, "The previous", "←"), step(feature.later, "The next", "→"))));
  const page = { key, number, feature, view, run, unit, hue, answer: answers(key, number) };
  if (!feature.count) {
    at.append(h("section.empty", {}, h("h2", {}, "It never fires"), h("p", {}, "This feature is active on no step of the indexed sequences.")));
    const silent = await drawn(page, panels.filter((panel) => panel.silent_features));
    at.append(...silent.map(([, element]) => element));
    return null;
  }
  at.append(metrics(feature, unit));
  const elements = await drawn(page, panels);
  const placed = (place) => elements.filter(([where]) => where === place).map(([, element]) => element);
  at.append(h("section.charts", {}, placed("charts")), ...placed("wide"),
    h("div.columns", {}, h("div", {}, placed("main")), h("div", {}, placed("aside"))));
  const keys = (event) => {
    if (event.target.closest("input, textarea, select")) return;
    const other = { ArrowLeft: feature.earlier, ArrowRight: feature.later }[event.key];
    if (event.key === "n") { event.preventDefault(); at.querySelector(".naming input")?.focus(); }
    if (other !== undefined && other !== null && event.target.tagName !== "svg") go(featureAddress(key, other));
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}

/** Where each panel goes, and its element; a panel may say another place than its manifest. */
async function drawn(page, wanted) {
  const modules = await Promise.all(wanted.map((panel) => import(`../../panels/${panel.name}/panel.js`)));
  const elements = await Promise.all(modules.map((module) => module.default(page)));
  return elements.map((element, i) => [modules[i].place?.(page) ?? wanted[i].place, element]).filter(([, element]) => element);
}

/** Answers below the feature's address, each asked for once however many panels read it. */
function answers(key, number) {
  const kept = new Map();
  return (name) => {
    if (!kept.has(name)) {
      const answer = ask(`${of(key)}/features/${number}/${name}`);
      kept.set(name, answer);
      answer.catch(() => kept.delete(name));
    }
    return kept.get(name);
  };
}

function metrics(feature, unit) {
  const { line } = feature;
  const halfLife = line.half_life === null ? "–" : `${feature.half_life_censored ? "over " : ""}${short(line.half_life)}`;
  return h("dl.figures", {}, [
    [short(line.dwell), `mean dwell, ${unit}s`], [halfLife, `half-life, ${unit}s`], [percent(line.density), `density: share of ${unit}s`],
    [short(feature.count), `active ${unit}s`], [short(feature.runs), "runs"], [short(line.documents), "documents"],
    [short(line.peak), "largest activation"], [short(feature.mean), "mean activation"],
  ].map(([value, name]) => h("div", {}, h("dd", {}, value), h("dt", {}, name))));
}

function naming(key, line) {
  const said = h("output.count", { "aria-live": "polite" });
  let starred = line.starred, name = line.label;
  const save = async () => {
    try { await send(`${of(key)}/features/${line.feature}/label`, "PUT", { name, starred }); said.textContent = "kept"; }
    catch (error) { said.textContent = error.message; }
  };
  const star = h("button.star", { type: "button", "aria-pressed": String(starred), "aria-label": "Star", click: () => { starred = !starred; star.setAttribute("aria-pressed", String(starred)); star.textContent = starred ? "★" : "☆"; save(); } }, starred ? "★" : "☆");
  const field = h("input", { placeholder: "Name this feature (n)", "aria-label": "Name", value: name, maxlength: "200",
    change: () => { name = field.value; save(); }, keydown: (event) => { if (event.key === "Enter") field.blur(); } });
  if (exported) return h("p.lead", {}, line.starred ? "★ " : "", line.label);
  return h("div.naming", {}, star, field, said);
}
