// A document for the unit tests of the explorer's modules: the shell of a page, without a browser.

import { Window } from "happy-dom";

const page = new Window({ url: "http://localhost:8000/" });
page.document.body.innerHTML = `
  <header id="bar"><nav></nav><span id="run"></span><button id="theme"></button></header>
  <main id="view"></main><div id="tip" hidden></div>
  <script type="application/json" id="manifests">{"views":[],"lanes":[],"panels":[]}</script>`;

/** Globals of a browser that the modules read; those that Node has itself stay Node's. */
const NAMES = ["document", "location", "history", "matchMedia", "getComputedStyle", "scrollTo"];
for (const name of NAMES) {
  const value = Reflect.get(page, name);
  const bound = typeof value === "function" ? value.bind(page) : value;
  Object.defineProperty(globalThis, name, { value: bound, configurable: true, writable: true });
}
