// The frame around the views: which one the address names, the theme, and keys for all of them.

import { ask } from "./api.js";
import { empty, h, hush, messageOf, pageElement } from "./dom.js";
import { toggleKeyHelp } from "./key_help.js";
import { loadLanes } from "./lanes.js";
import { views } from "./manifests.js";
import { noChoiceNote } from "./recording_filter.js";
import { exported, go, path, showWith } from "./router.js";

const PATIENCE = 400; // milliseconds that a page may be empty without a word

/** @typedef {ViewManifest & {pattern: RegExp}} Page */

/** @type {Page[]} */
const pages = views.map((view) => ({
  ...view,
  pattern: new RegExp(`^${view.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
}));
const main = pageElement("view");

/** @type {Api.Overview | null} */
let run = null;
/** @type {() => void} */
let leave = () => {};
let turn = 0; // of navigation; what an earlier one still draws is dropped

/**
 * The view that a path leads to, and the parameters in the path; null where there is none.
 * @param {string} address
 */
function pageOf(address) {
  for (const page of pages) {
    const match = address.match(page.pattern);
    if (!match) continue;
    const parameters = Object.entries(match.groups ?? {}).map(([name, text]) => [
      name,
      decodeURIComponent(text),
    ]);
    return { page, parameters: Object.fromEntries(parameters) };
  }
  return null;
}

function markLinks() {
  for (const link of document.querySelectorAll("#bar nav a")) {
    const address = (link.getAttribute("href") ?? "").replace("#", "");
    const here = address === "/" ? path() === "/" : path().startsWith(address);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function show() {
  turn += 1;
  const mine = turn;
  leave();
  leave = () => {};
  hush();
  markLinks();
  const place = h("div.view");
  place.style.opacity = "0";
  main.replaceChildren(place);
  const opening = !run; // the first answer waits until the server has read the run
  const waiting = setTimeout(() => {
    const text = opening ? "Opening the run…" : "Reading…";
    const status = h("p.lead.waiting", { role: "status" }, text);
    if (mine === turn && place.style.opacity) main.prepend(status);
  }, PATIENCE);
  try {
    await draw(place, mine);
  } catch (error) {
    if (mine === turn) place.replaceChildren(empty("This cannot be shown", messageOf(error)));
    // Errors of the API are words for the reader; all others are mistakes of this page.
    if (!(error instanceof Error) || error instanceof TypeError) console.error(error);
  }
  clearTimeout(waiting);
  if (mine === turn) main.querySelector(".waiting")?.remove();
  const reason = pageOf(path())?.page.unfiltered ?? "";
  const note = run && (await noChoiceNote(run, reason).catch(() => null));
  if (note && mine === turn) main.append(note); // behind the view, which may draw itself again
  place.style.opacity = "";
  place.dataset.ready = "yes";
}

/**
 * Read the run and draw the view of the address.
 * @param {HTMLElement} place
 * @param {number} mine the turn of the navigation
 */
async function draw(place, mine) {
  const target = pageOf(path());
  /** @type {ViewModule | null} */
  const module = target && (await import(`../views/${target.page.name}/view.js`));
  if (mine !== turn) return;
  if (!run && !exported && module?.preview) {
    await module.preview(place);
    if (mine !== turn) return;
    main.querySelector(".waiting")?.remove(); // the preview has a status of its own
    place.style.opacity = "";
    await new Promise(requestAnimationFrame); // on the screen before the server is busy again
  }
  const overview = await ask("run");
  run = overview;
  await loadLanes(run.renderers);
  if (mine !== turn) return;
  place.replaceChildren();
  document.title = `${target?.page.title ?? ""} · ${run.run} · sparsetime`;
  pageElement("run").textContent = run.run;
  if (!target || !module)
    place.append(empty("There is no such page", "The views of this run are listed above."));
  else if (target.page.needs_dictionary && !run.dictionaries.length) {
    const how = "Index a dictionary with sparsetime index; this page finds it by itself.";
    place.append(empty("Nothing is indexed yet", ...run.notes, how));
  } else {
    const stop = await module.default(place, overview, target.parameters);
    if (mine === turn) leave = stop ?? leave;
    else stop?.();
  }
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const link = event.target.closest("a[href^='/'], a[href^='#/']");
  const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.button;
  if (!(link instanceof HTMLAnchorElement) || elsewhere) return;
  if (link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  go((link.getAttribute("href") ?? "").replace("#", ""));
});
addEventListener("popstate", show);
showWith(show);

const root = document.documentElement;
const savedTheme = localStorage.getItem("theme");
if (savedTheme) root.dataset.theme = savedTheme;
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function switchTheme() {
  const theme = root.dataset.theme ?? (systemDark.matches ? "dark" : "light");
  root.dataset.theme = theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  dispatchEvent(new Event("themechange"));
}
pageElement("theme").addEventListener("click", switchTheme);
pageElement("keys").addEventListener("click", toggleKeyHelp);
systemDark.addEventListener("change", () => dispatchEvent(new Event("themechange")));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, textarea, select")) return;
  if (event.key === "d") switchTheme();
  else if (event.key === "/") {
    /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"))?.focus();
  } else if (event.key === "?") toggleKeyHelp();
  else {
    const page = pages.find((view) => view.key === event.key);
    if (!page || path() === page.path) return;
    go(page.path);
  }
  event.preventDefault();
});

show();
