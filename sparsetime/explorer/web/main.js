// The frame around the views: which one the address names, light and dark, keys for all of them.

import { exported, go, path, showWith } from "./router.js";
import { empty, h, hush } from "./dom.js";
import { ask } from "./api.js";
import { compareView } from "../views/compare/view.js";
import { docsView } from "../views/api_docs/view.js";
import { featureView } from "../views/feature/view.js";
import { previewView } from "../views/overview/preview.js";
import { labelsView } from "../views/labels/view.js";
import { featuresView } from "../views/features/view.js";
import { liveView } from "../views/live/view.js";
import { overviewView } from "../views/overview/view.js";
import { learn } from "./lanes.js";
import { timelineView } from "../views/timeline/view.js";

const main = document.getElementById("view");
const links = [...document.querySelectorAll("#bar nav a")];
const KEYS = { o: "/", s: "/timeline", f: "/features", c: "/compare", l: "/labels", v: "/live" };
const PATIENCE = 400; // milliseconds that a page may be empty without a word
let run = null;
let leave = () => {};
let turn = 0;

function viewOf(path) {
  if (path === "/") return [overviewView, "Overview"];
  if (path === "/timeline") return [timelineView, "Timeline"];
  if (path === "/live") return [liveView, "Live"];
  if (path === "/features") return [featuresView, "Features"];
  if (path === "/compare") return [compareView, "Compare"];
  if (path === "/labels") return [labelsView, "Labels"];
  if (path === "/api/docs") return [docsView, "API"];
  const found = path.match(/^\/features\/([^/]+)\/(\d+)$/);
  if (found) return [(at, data) => featureView(at, data, decodeURIComponent(found[1]), Number(found[2])), "Feature"];
  return [null, ""];
}

async function show() {
  const mine = ++turn;
  leave();
  leave = () => {};
  hush();
  const [view, title] = viewOf(path());
  for (const link of links) {
    const at = link.getAttribute("href").replace("#", "");
    const on = at === "/" ? path() === "/" : path().startsWith(at);
    if (on) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const place = h("div.view");
  place.style.opacity = "0";
  main.replaceChildren(place);
  const opening = !run; // the first answer waits until the server has read the run
  const waiting = setTimeout(() => {
    const says = h("p.lead.waiting", { role: "status" }, opening ? "Opening the run…" : "Reading…");
    if (mine === turn && place.style.opacity) main.prepend(says);
  }, PATIENCE);
  try {
    if (!run && !exported && view === overviewView) {
      await previewView(place);
      if (mine !== turn) return;
      main.querySelector(".waiting")?.remove(); // a glance says itself what goes on
      place.style.opacity = "";
      await new Promise(requestAnimationFrame); // on the screen before the server is busy again
    }
    run = await ask("run");
    await learn(run.renderers);
    if (mine !== turn) return;
    place.replaceChildren();
    document.title = `${title} · ${run.run} · sparsetime`;
    document.getElementById("run").textContent = run.run;
    const needs = view !== overviewView && view !== docsView && !run.dictionaries.length;
    if (!view) place.append(empty("There is no such page", "The views of this run are listed above."));
    else if (needs) place.append(empty("Nothing is indexed yet", ...run.notes, "Index a dictionary with sparsetime index; this page finds it by itself."));
    else {
      const left = await view(place, run);
      if (mine === turn) leave = left ?? leave; else left?.();
    }
  } catch (error) {
    if (mine === turn) place.replaceChildren(empty("This cannot be shown", error.message));
    if (!(error instanceof Error) || error instanceof TypeError) console.error(error);
  }
  clearTimeout(waiting);
  if (mine === turn) main.querySelector(".waiting")?.remove();
  place.style.opacity = "";
  place.dataset.ready = "yes";
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/'], a[href^='#/']");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  go(link.getAttribute("href").replace("#", ""));
});
addEventListener("popstate", show);
showWith(show);

const root = document.documentElement;
const saved = localStorage.getItem("theme");
if (saved) root.dataset.theme = saved;
const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function turnTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  dispatchEvent(new Event("themechange"));
}
document.getElementById("theme").addEventListener("click", turnTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "d") turnTheme();
  else if (event.key === "/") document.querySelector("input[type=search]")?.focus();
  else if (KEYS[event.key] && path() !== KEYS[event.key]) go(KEYS[event.key]);
  else return;
  event.preventDefault();
});

show();
