// The frame around the views: which one the address names, light and dark, keys for all of them.

import { exported, go, path, showWith } from "./router.js";
import { empty, h, hush } from "./dom.js";
import { ask } from "./api.js";
import { toggleKeyHelp } from "./key_help.js";
import { loadLanes } from "./lanes.js";
import { views } from "./manifests.js";

const main = document.getElementById("view");
const links = [...document.querySelectorAll("#bar nav a")];
const pages = views.map((view) => ({ ...view, pattern: new RegExp(`^${view.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`) }));
const PATIENCE = 400; // milliseconds that a page may be empty without a word
let run = null;
let leave = () => {};
let turn = 0;

/** The view that a path leads to, and the parameters in the path; null where there is none. */
function pageOf(address) {
  for (const page of pages) {
    const match = address.match(page.pattern);
    if (match) {
      const parameters = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)]);
      return { ...page, parameters: Object.fromEntries(parameters) };
    }
  }
  return null;
}

async function show() {
  const mine = ++turn;
  leave();
  leave = () => {};
  hush();
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
    const page = pageOf(path());
    const module = page && await import(`../views/${page.name}/view.js`);
    if (mine !== turn) return;
    if (!run && !exported && module?.preview) {
      await module.preview(place);
      if (mine !== turn) return;
      main.querySelector(".waiting")?.remove(); // the preview has a status of its own
      place.style.opacity = "";
      await new Promise(requestAnimationFrame); // on the screen before the server is busy again
    }
    run = await ask("run");
    await loadLanes(run.renderers);
    if (mine !== turn) return;
    place.replaceChildren();
    document.title = `${page?.title ?? ""} · ${run.run} · sparsetime`;
    document.getElementById("run").textContent = run.run;
    if (!page) place.append(empty("There is no such page", "The views of this run are listed above."));
    else if (page.needs_dictionary && !run.dictionaries.length) place.append(empty("Nothing is indexed yet", ...run.notes, "Index a dictionary with sparsetime index; this page finds it by itself."));
    else {
      const stop = await module.default(place, run, page.parameters);
      if (mine === turn) leave = stop ?? leave; else stop?.();
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
document.getElementById("keys").addEventListener("click", toggleKeyHelp);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "d") turnTheme();
  else if (event.key === "/") document.querySelector("input[type=search]")?.focus();
  else if (event.key === "?") toggleKeyHelp();
  else {
    const page = pages.find((view) => view.key === event.key);
    if (!page || path() === page.path) return;
    go(page.path);
  }
  event.preventDefault();
});

show();
