// One feature: what it is called, where it fires at every strength, how long, and with whom.

import { exported, go } from "../../web/router.js";
import { featureAddress, h, hueOf, nameOf, partOf, percent, plural, short } from "../../web/dom.js";
import { momentOf } from "../../web/lanes.js";
import { ask, of, send } from "../../web/api.js";
import { histogram } from "../../web/histogram.js";
import { historyOf, noHistory } from "../../panels/history/panel.js";

export async function featureView(at, run, key, number) {
  const [feature, view] = [await ask(`${of(key)}/features/${number}`), run.dictionaries.find((each) => each.entry.key === key)];
  const { line } = feature, hue = hueOf(line), unit = run.unit, formed = feature.history && historyOf(feature.history, unit);
  document.title = `${nameOf(line, 2)} · feature ${number}`;
  at.classList.add(hue);
  const step = (other, text, sign) => h("a.button", { href: other === null ? null : featureAddress(key, other), "aria-disabled": other === null ? "true" : null, title: `${text} living feature (${sign})` }, sign);
  at.append(h("header.head", {}, h("div", {},
    h("p.crumb", {}, h("a", { href: `/features?dictionary=${encodeURIComponent(key)}` }, view.entry.title), ` · feature ${number}${line.part ? ` · ${partOf(view.entry, line)}` : ""}`),
    h("h1", { dir: "auto" }, line.words.slice(0, 5).join(", ") || `Feature ${number}`), naming(key, line)),
    h("nav.steps", { "aria-label": "Neighbours" }, step(feature.earlier, "The earlier", "←"), step(feature.later, "The later", "→"))));
  if (!feature.count) {
    at.append(h("section.empty", {}, h("h2", {}, "It never fires"), h("p", {}, "No step of the indexed sequences wakes this feature.")), formed ?? noHistory());
    return null;
  }
  const half = line.half_life === null ? "–" : `${feature.half_life_censored ? "over " : ""}${short(line.half_life)}`;
  at.append(h("dl.figures", {}, [
    [short(line.dwell), `${unit}s it lasts, mean`], [half, `${unit}s to half its likeness`], [percent(line.density), `of all ${unit}s`],
    [short(feature.count), "moments"], [short(feature.runs), "runs"], [short(line.documents), "documents"], [short(line.peak), "strongest"], [short(feature.mean), "mean strength"],
  ].map(([value, name]) => h("div", {}, h("dd", {}, value), h("dt", {}, name)))));
  at.append(h("section.charts", {},
    histogram({ title: `How long its runs are, ${unit}s`, unit, hue, ...feature.run_lengths, format: (v) => short(Math.ceil(v)) }),
    histogram({ title: "How strong its moments are", unit: "", hue, root: false, ...feature.strengths }),
    histogram({ title: "Where in a sequence it fires", unit: "", edges: [...Array(11).keys()].map((i) => i / 10), counts: feature.position_density, root: false, hue, format: (v) => (v === 0 ? "beginning" : v === 1 ? "end" : "") })));
  if (formed) at.append(formed);
  const company = h("section.company", {}, h("div.section-head", {}, h("h2", {}, "Its company")), h("p.count", {}, "Reading…"));
  const aside = h("div", {}, company, exported ? null : writesOf(key, number), formed ? null : noHistory());
  at.append(h("div.columns", {}, h("div.bands", {}, feature.bands.filter((band) => band.moments.length).map((band) => bandOf(key, number, band, hue))), aside));
  ask(`${of(key)}/features/${number}/coactivation`).then((found) => fill(company, found, key, run, unit), (error) => company.append(h("p", {}, error.message)));
  const keys = (event) => {
    if (event.target.closest("input, textarea, select")) return;
    const other = { ArrowLeft: feature.earlier, ArrowRight: feature.later }[event.key];
    if (event.key === "n") { event.preventDefault(); at.querySelector(".naming input")?.focus(); }
    if (other !== undefined && other !== null && event.target.tagName !== "svg") go(featureAddress(key, other));
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}

/** What it writes to the output: asked for by a button, as that loads the model. */
function writesOf(key, number) {
  const said = h("p.count", { "aria-live": "polite" }, "Its atom straight at the model's unembedding. This loads the model.");
  const place = h("div.written"), button = h("button", { click: async () => {
    button.disabled = true;
    said.textContent = "Loading the model…";
    try {
      const { raised, lowered } = await ask(`${of(key)}/features/${number}/logit_effects`);
      const list = (title, tokens) => h("div", {}, h("h3", {}, title), h("ul", {}, tokens.map((each) => h("li", {}, h("code", { dir: "auto" }, each.token), h("b", {}, `${each.logit > 0 ? "+" : ""}${short(each.logit)}`)))));
      place.replaceChildren(list("Raises", raised), list("Lowers", lowered));
      said.textContent = "Logits that one unit of activation adds, beyond the mean token; later layers are passed by.";
      button.remove();
    } catch (error) { said.textContent = error.message; button.disabled = false; }
  } }, "Ask the model");
  return h("section.company", {}, h("div.section-head", {}, h("h2", {}, "What it writes"), said), button, place);
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

function bandOf(key, number, band, hue) {
  return h("section.band", {}, h("h2", {}, band.title), band.moments.map((moment) => {
    const from = Math.max(0, moment.position - 60), address = `/timeline?d=${encodeURIComponent(key)}&s=${moment.sequence}&from=${from}&to=${moment.position + 68}&pins=${encodeURIComponent(key)}:${number}`;
    return h("blockquote", {}, momentOf(moment, hue), h("footer", {}, h("a", { href: address }, moment.source), ` · ${short(moment.value)}`));
  }));
}

function fill(at, found, key, run, unit) {
  const titles = new Map(run.dictionaries.map((each) => [each.entry.key, each.entry.title]));
  const list = (title, note, companions, format) => companions.length ? h("div.companions", {}, h("h3", {}, title), h("p.count", {}, note),
    companions.map((each) => h(`a.line.${hueOf(each)}`, { href: featureAddress(each.dictionary, each.feature) },
      h("span.id", {}, each.feature), h("span.name", { dir: "auto" }, nameOf(each)),
      each.dictionary === key ? null : h("span.fact", {}, titles.get(each.dictionary)), h("span.fact", {}, format(each))))) : null;
  const often = (each) => [h("b", {}, percent(each.share)), ` vs ${percent(each.chance)}`];
  const cosine = (each) => h("b", {}, each.share.toFixed(2));
  at.querySelector(".count").textContent = found.documents ? `Read in ${plural(found.documents, "document")} of its moments.` : "";
  at.append(...[
    list("Fires with it", `share of its ${unit}s, and by chance`, found.together, often),
    list("Comes before it", `share of its beginnings within 5 ${unit}s, and by chance`, found.before, often),
    list("Follows it", `share of its ends within 5 ${unit}s, and by chance`, found.after, often),
    list("Nearest atoms here", "cosine", found.nearest, cosine),
    list("Nearest atoms elsewhere", "cosine", found.elsewhere, cosine),
  ].filter(Boolean));
}
