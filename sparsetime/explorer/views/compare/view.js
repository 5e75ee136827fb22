// Two dictionaries, atom by atom: shared, split, only here; and all of the run, FVU against L0.

import { here, remember } from "../../web/router.js";
import { choices, empty, featureAddress, h, nameOf } from "../../web/dom.js";
import { histogram } from "../../web/histogram.js";
import { featureLine } from "../../web/feature_list.js";
import { pareto } from "./pareto.js";
import { ask } from "../../web/api.js";

const SHOWN = ["shared", "split", "only"];

export default async function compareView(at, run) {
  const known = run.dictionaries.map((each) => each.entry.key);
  if (known.length < 2) {
    at.append(empty("There is one dictionary only", "Train and index another one in this run to compare them."));
    return;
  }
  const title = (key) => run.dictionaries.find((each) => each.entry.key === key).entry.title;
  const pick = (name, otherwise) => (known.includes(here().get(name)) ? here().get(name) : otherwise);
  const left = pick("left", known[0]), right = pick("right", known.find((key) => key !== left));
  const again = (changes) => { remember(changes, true); at.replaceChildren(); compareView(at, run).catch((error) => at.append(empty("This cannot be compared", error.message))); };
  const choose = (name, chosen) => h("select", { "aria-label": name, change: (event) => again({ [name]: event.target.value }) },
    known.map((key) => h("option", { value: key, selected: key === chosen }, title(key))));
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Compare"), h("p.lead", {}, "Each feature and the atom most like it on the other side.")),
    h("div.controls", {}, choose("left", left), "with", choose("right", right))));
  const said = h("p.count", { role: "status" }, "Matching every atom with its nearest. The first time this takes a moment; the result is kept beside the run.");
  at.append(said);
  at.style.opacity = ""; // shown while it waits
  const found = await ask("compare", { left, right }), near = `cosine ${found.threshold} or more`;
  const share = [
    [found.shared, "shared", `pairs that are each other's nearest, ${near}`],
    [found.split_left, `of ${title(left)} are split`, `two or more of ${title(right)} have it as their nearest, ${near}`],
    [found.split_right, `of ${title(right)} are split`, `two or more of ${title(left)} have it as their nearest, ${near}`],
    [found.only_left, `only in ${title(left)}`, `no atom on the other side has a ${near}`],
    [found.only_right, `only in ${title(right)}`, `no atom on the other side has a ${near}`]];
  said.remove();
  const list = h("div");
  const lists = { shared: () => pairs(found, left, right), split: () => splits(found, left, right, title, run), only: () => alone(found, left, right, title, run) };
  const show = (name) => { remember({ show: name === "shared" ? "" : name }); list.replaceChildren(lists[name]()); };
  const shown = SHOWN.includes(here().get("show")) ? here().get("show") : "shared";
  at.append(h("dl.figures", {}, share.map(([count, name, note]) => h("div", { title: note }, h("dd", {}, count.toLocaleString("en")), h("dt", {}, name)))),
    h("section.charts", {}, histogram({ title: `Cosine of each feature of ${title(left)} and its nearest`, unit: "", ...found.cosines }), pareto(run)),
    h("section", {}, h("div.controls", {}, choices("show", [["shared", "shared"], ["split", "split"], ["only", "only on one side"]], shown, show)), list));
  show(shown);
}

const linked = (key, line) => h("a", { href: featureAddress(key, line.feature), dir: "auto" }, nameOf(line));
const none = (title) => empty(title, "At this threshold.");

function pairs({ matches }, left, right) {
  if (!matches.length) return none("They share nothing");
  return h("div.pairs", {}, matches.map((match) => h("div.pair", {}, linked(left, match.left), h("b", {}, `↔ ${match.cosine.toFixed(2)}`), linked(right, match.right))));
}

function splits(found, left, right, title) {
  const side = (of, key, other) => h("section", {}, h("div.section-head", {}, h("h2", {}, `One in ${title(key)}, several in ${title(other)}`)),
    of.length ? of.map(({ whole, parts, cosines }) => h("div.split", {}, linked(key, whole), h("div", {}, parts.map((part, i) => h("p", {}, h("b", {}, cosines[i].toFixed(2)), linked(other, part)))))) : none("None is split"));
  return h("div.columns.even", {}, side(found.splits_left, left, right), side(found.splits_right, right, left));
}

function alone(found, left, right, title, run) {
  const side = (lines, key) => h("section", {}, h("div.section-head", {}, h("h2", {}, `Only in ${title(key)}`), h("p", {}, "Lowest cosine with the other side first.")),
    lines.length ? h("div.lines", {}, lines.map((line) => featureLine(key, line, run.unit))) : none("Every feature has a match"));
  return h("div.columns.even", {}, side(found.alone_left, left), side(found.alone_right, right));
}
