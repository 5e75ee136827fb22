// Circuits: an attribution graph of one text, step by layer, with the check by ablation beside it.

import { ask, send } from "../../web/api.js";
import { dropdown, empty, h, messageOf, node, short } from "../../web/dom.js";
import { lineChart } from "../../web/line_chart.js";
import { here, remember } from "../../web/router.js";
import { details } from "./details.js";
import { places, pruned, SIZE } from "./layout.js";
import { nameOf, quoted } from "./names.js";

const LEFT = 176; // for the names of the sites
const FROZEN =
  "Attention patterns are frozen: a graph does not show why a head attends where it does.";
const RUNS = "The model is running; the first time it is loaded, which takes some seconds.";
const HOW =
  "Trace one with sparsetime circuit … --out RUN/circuits/NAME, where RUN is the folder of this run.";

/** @type {View} */
export default async function circuitView(at, _run) {
  const listed = await ask("circuits");
  const sound = listed.filter((one) => !one.note);
  const notes = listed
    .filter((one) => one.note)
    .map((one) => h("p.notes", {}, `${one.name} is not shown: ${one.note}`));
  if (!sound.length) {
    at.append(...notes, empty("This run holds no circuit", HOW));
    return null;
  }
  const name = sound.find((one) => one.name === here().get("name"))?.name ?? sound[0].name;
  const answer = await ask(`circuits/${encodeURIComponent(name)}`);
  const again = (/** @type {string} */ key) => {
    remember({ name: key }, true);
    at.replaceChildren();
    circuitView(at, _run, {}).catch((error) =>
      at.append(empty("This circuit cannot be shown", messageOf(error))),
    );
  };
  /** @type {[string, string][]} */
  const titles = sound.map((one) => [one.name, one.name]);
  const slider = h("input", {
    type: "range",
    value: "",
    "aria-label": "share of the influence that is shown, in percent",
  });
  Object.assign(slider, { min: "20", max: "100", step: "1" });
  slider.value = here().get("share") ?? "60"; // after its limits, which cut it
  const said = h("output.count");
  const board = h("div.circuit-board");
  const aside = h("aside.circuit-details");
  let chosen = Number(here().get("node") ?? -1);
  /** @type {Map<number, string>} */
  const states = new Map();
  async function ablate() {
    const id = chosen;
    states.set(id, RUNS);
    draw();
    try {
      const path = /** @type {const} */ (`circuits/${encodeURIComponent(name)}/ablation`);
      const response = await send(path, "POST", { nodes: [id] });
      /** @type {Api.AblationAnswer} */
      const found = await response.json();
      const one = answer.nodes.find((node) => node.id === id);
      if (one) Object.assign(one, found);
      states.delete(id);
    } catch (error) {
      states.set(id, messageOf(error));
    }
    draw();
  }
  const draw = () => {
    const share = Number(slider.value) / 100;
    remember({ share: slider.value === "60" ? "" : slider.value });
    const shown = pruned(answer.nodes, answer.edges, share);
    said.textContent = `${slider.value}% of influence: ${shown.nodes.length} of ${answer.of_nodes.toLocaleString("en")} nodes, ${shown.edges.length} of ${answer.of_edges.toLocaleString("en")} edges`;
    const choose = (/** @type {number} */ id) => {
      chosen = id === chosen ? -1 : id;
      remember({ node: chosen < 0 ? "" : chosen });
      draw();
    };
    board.replaceChildren(picture(answer, shown, chosen, choose, board.clientWidth));
    aside.replaceChildren(details(answer, chosen, choose, ablate, states.get(chosen) ?? ""));
  };
  slider.addEventListener("input", draw);
  at.append(
    ...notes,
    h(
      "header.head",
      {},
      h(
        "div",
        {},
        h("h1", {}, "Circuits"),
        h(
          "p.lead",
          {},
          `What makes ${answer.entry.targets.slice(0, 4).map(quoted).join(", ")}${answer.entry.targets.length > 4 ? " and others" : ""}? `,
          FROZEN,
        ),
      ),
      h(
        "div.controls",
        {},
        titles.length > 1 ? dropdown("circuit", titles, name, again) : null,
        h("label.circuit-slider", {}, "influence shown", slider),
      ),
    ),
    scores(answer),
    said,
    h("div.circuit", {}, board, aside),
    h("section.charts", {}, lagChart(answer)),
  );
  draw();
  return null;
}

/** @param {Api.CircuitView} answer */
function scores(answer) {
  const percent = (/** @type {number} */ value) => `${Math.round(100 * value)}%`;
  const fact = (/** @type {string} */ value, /** @type {string} */ label) =>
    h("div", {}, h("dd", {}, value), h("dt", {}, label));
  const { error_share, bias_share, replacement, completeness } = answer.scores;
  return h(
    "dl.statistics",
    {},
    fact(percent(error_share), "of influence from errors of the dictionaries"),
    fact(percent(bias_share), "from biases"),
    fact(replacement.toFixed(2), "replacement"),
    fact(completeness.toFixed(2), "completeness"),
    answer.rank_correlation === null
      ? fact(
          "–",
          answer.nodes.some((one) => one.measured.length)
            ? "rank correlation: no ablated feature changes a target"
            : "not compared with ablation: sparsetime circuit --verify 32",
        )
      : fact(answer.rank_correlation.toFixed(2), "rank correlation with ablation in the model"),
    answer.sign_agreement === null
      ? null
      : fact(percent(answer.sign_agreement), "of ablations have the predicted sign"),
  );
}

/**
 * @param {Api.CircuitView} answer
 * @param {{nodes: Api.CircuitNode[], edges: Api.CircuitEdge[]}} shown
 * @param {number} chosen
 * @param {(id: number) => void} choose
 * @param {number} room in pixels
 */
function picture(answer, shown, chosen, choose, room) {
  const steps = answer.tokens.length;
  const width = Math.max(3 * SIZE + 4, Math.min(90, (room - LEFT - 10) / steps));
  const { at, tops, heights, height } = places(shown.nodes, steps, answer.rows.length, width, LEFT);
  const whole = LEFT + steps * width + 8;
  const svg = node("svg", {
    viewBox: `0 0 ${whole} ${height + 26}`,
    width: whole,
    height: height + 26,
    role: "group",
    "aria-label": "nodes by step and layer",
  });
  [...answer.rows, "target"].forEach((row, i) => {
    const y = tops[i] + heights[i];
    svg.append(node("path", { class: "floor", d: `M0 ${y}H${whole}` }));
    svg.append(
      node("text", { class: "site", x: 0, y: tops[i] + heights[i] / 2 + 4 }, shortSite(row)),
    );
  });
  answer.tokens.forEach((text, step) => {
    const x = LEFT + (step + 0.5) * width;
    const label = text.trim() ? text : JSON.stringify(text).slice(1, -1);
    svg.append(node("text", { class: "word", x, y: height + 17 }, label.slice(0, 9)));
  });
  if (shown.nodes.some((one) => one.kind === "bias"))
    svg.append(node("text", { class: "word", x: LEFT - 42, y: height + 17 }, "biases"));
  const largest = Math.max(...shown.edges.map((edge) => edge.influence), 1e-9);
  const near = (/** @type {Api.CircuitEdge} */ edge) =>
    edge.source === chosen || edge.target === chosen;
  const ordered = [...shown.edges].sort((a, b) => Number(near(a)) - Number(near(b)));
  for (const edge of ordered) {
    const [from, to] = [at.get(edge.source), at.get(edge.target)];
    if (!from || !to) continue;
    const middle = (from.y + to.y) / 2;
    const kind = chosen < 0 ? "" : near(edge) ? " near" : " far";
    svg.append(
      node("path", {
        class: `edge ${edge.weight < 0 ? "negative" : "positive"}${kind}`,
        "stroke-width": (0.5 + 4.5 * Math.sqrt(edge.influence / largest)).toFixed(2),
        d: `M${from.x} ${from.y}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.y}`,
      }),
    );
  }
  const most = Math.max(...shown.nodes.map((one) => one.influence), 1e-9);
  for (const one of shown.nodes) {
    const place = at.get(one.id);
    if (!place) continue;
    svg.append(mark(one, place, one.influence / most, one.id === chosen, choose));
  }
  return svg;
}

/**
 * @param {Api.CircuitNode} one
 * @param {{x: number, y: number}} place
 * @param {number} size its influence as a share of the largest
 * @param {boolean} chosen
 * @param {(id: number) => void} choose
 */
function mark(one, { x, y }, size, chosen, choose) {
  const r = 2.6 + 3.6 * Math.sqrt(size);
  const box = { x: x - r, y: y - r, width: 2 * r, height: 2 * r };
  const classes = `node ${one.kind}${chosen ? " chosen" : ""}`;
  const shape =
    one.kind === "feature"
      ? node("circle", { class: classes, cx: x, cy: y, r })
      : node("rect", {
          class: classes,
          ...box,
          ...(one.kind === "error" ? { transform: `rotate(45 ${x} ${y})` } : { rx: 1.5 }),
        });
  shape.setAttribute("tabindex", "0");
  shape.setAttribute("role", "button");
  shape.setAttribute("aria-label", nameOf(one));
  shape.append(node("title", {}, `${nameOf(one)}, influence ${short(one.influence)}`));
  shape.addEventListener("click", () => choose(one.id));
  shape.addEventListener("keydown", (event) => {
    const key = /** @type {KeyboardEvent} */ (event).key;
    if (key === "Enter" || key === " ") choose(one.id);
  });
  return shape;
}

/** @param {string} site */
function shortSite(site) {
  return site.replace(/^(model|transformer)\./, "").slice(0, 27);
}

/** @param {Api.CircuitView} answer */
function lagChart(answer) {
  return lineChart({
    title: "Influence by lag",
    unit: "steps back",
    x: answer.lags.map((_, lag) => lag),
    lines: [answer.lags],
    hue: "high",
    note: "Share of the influence along edges, by the steps between source and target.",
  });
}
