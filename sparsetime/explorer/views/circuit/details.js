// What goes into a node of a circuit and out of it, and what its ablation changes.

import { featureAddress, h, short } from "../../web/dom.js";
import { exported } from "../../web/router.js";
import { nameOf } from "./names.js";

const MOST = 8; // edges of each list

/**
 * @param {Api.CircuitView} answer
 * @param {number} chosen the id of a node, -1 for none
 * @param {(id: number) => void} choose
 * @param {() => void} ablate the chosen node in the model
 * @param {string} state of that, empty where nothing is to be said
 */
export function details(answer, chosen, choose, ablate, state) {
  const one = answer.nodes.find(({ id }) => id === chosen);
  if (!one)
    return h(
      "div",
      {},
      h("h2", {}, "A node"),
      h(
        "p.count",
        {},
        "Choose a node to see what goes into it and out of it, and what its ablation changes.",
      ),
      legend(),
    );
  const byId = new Map(answer.nodes.map((node) => [node.id, node]));
  const list = (/** @type {"source" | "target"} */ end) => {
    const other = end === "source" ? "target" : "source";
    const own = answer.edges.filter((edge) => edge[other] === one.id).slice(0, MOST);
    return own.map((edge) => {
      const node = byId.get(edge[end]);
      if (!node) return null;
      const weight = `${edge.weight < 0 ? "−" : "+"}${short(Math.abs(edge.weight))}`;
      return h(
        "li",
        {},
        h("button.plain", { click: () => choose(node.id) }, nameOf(node)),
        h(`span.${edge.weight < 0 ? "negative" : "positive"}`, {}, weight),
      );
    });
  };
  const [inputs, outputs] = [list("source"), list("target")];
  const site = one.kind === "target" || one.kind === "bias" ? "" : answer.rows[one.row];
  return h(
    "div",
    {},
    h("h2", {}, nameOf(one)),
    h("p.count", {}, site, one.kind === "feature" ? `, activation ${short(one.value)}` : ""),
    one.dictionary && one.latent >= 0
      ? h("p", {}, h("a", { href: featureAddress(one.dictionary, one.latent) }, "its page"))
      : null,
    one.measured.length ? ablation(answer, one) : null,
    one.kind === "feature" && !one.measured.length ? offer(ablate, state) : null,
    inputs.length ? [h("h3", {}, "into it"), h("ul.circuit-edges", {}, inputs)] : null,
    outputs.length ? [h("h3", {}, "out of it"), h("ul.circuit-edges", {}, outputs)] : null,
  );
}

/**
 * A button that ablates the node; in an export a line that says where that is possible.
 * @param {() => void} ablate
 * @param {string} state
 */
function offer(ablate, state) {
  if (exported)
    return h("p.count", {}, "It was not ablated: sparsetime explore ablates it in the model.");
  return h(
    "div",
    {},
    h("button", { click: ablate }, "Ablate it in the model"),
    h("p.count", { "aria-live": "polite" }, state),
  );
}

/**
 * Predicted and measured change of each target, side by side.
 * @param {Api.CircuitView} answer
 * @param {Api.CircuitNode} one
 */
function ablation(answer, one) {
  const most = Math.max(...[...one.predicted, ...one.measured].map(Math.abs), 1e-9);
  const bar = (/** @type {number} */ value, /** @type {string} */ kind) => {
    const half = (Math.abs(value) / most) * 50;
    const text = `${value < 0 ? "−" : "+"}${short(Math.abs(value))}`;
    const element = h(`span.circuit-change.${kind}`, {}, h("b", {}, text));
    element.style.setProperty("--size", `${half}%`);
    element.style.setProperty("--side", `${value < 0 ? 50 - half : 50}%`);
    return element;
  };
  return h(
    "div",
    {},
    h("h3", {}, "Ablated in the model"),
    h("p.count", {}, "Change of each target: predicted above, measured below."),
    h(
      "ul.circuit-ablation",
      {},
      one.measured.map((value, i) =>
        h(
          "li",
          {},
          h("span", {}, answer.entry.targets[i] ?? ""),
          h("div", {}, bar(one.predicted[i], "predicted"), bar(value, "measured")),
        ),
      ),
    ),
  );
}

function legend() {
  const item = (/** @type {string} */ kind, /** @type {string} */ text) =>
    h("li", {}, h(`i.${kind}`), text);
  return h(
    "ul.circuit-legend",
    {},
    item("feature", "a feature of a dictionary"),
    item("error", "what a dictionary leaves out"),
    item("token", "a token"),
    item("target", "a target"),
    item("bias", "biases of the model and the dictionaries"),
    item("positive", "pushes up"),
    item("negative", "pushes down"),
  );
}
