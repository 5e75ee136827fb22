// Two dictionaries, atom by atom: shared, split, only here.

import { ask, empty, featureAddress, h, here, nameOf, remember } from "./dom.js";
import { histogram } from "./histogram.js";
import { featureLine } from "./list.js";

export async function compareView(at, run) {
  const known = run.dictionaries.map((each) => each.entry.key);
  if (known.length < 2) {
    at.append(empty("There is one dictionary only", "Train and index another one in this run to compare them."));
    return;
  }
  const title = (key) => run.dictionaries.find((each) => each.entry.key === key).entry.title;
  const pick = (name, otherwise) => (known.includes(here().get(name)) ? here().get(name) : otherwise);
  const left = pick("left", known[0]), right = pick("right", known.find((key) => key !== left));
  const choose = (name, chosen) => h("select", { "aria-label": name, change: (event) => { remember({ [name]: event.target.value }, true); at.replaceChildren(); compareView(at, run).catch((error) => at.append(empty("This cannot be compared", error.message))); } },
    known.map((key) => h("option", { value: key, selected: key === chosen }, title(key))));
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "Compare"), h("p.lead", {}, "Each feature and the atom most like it on the other side.")),
    h("div.controls", {}, choose("left", left), "with", choose("right", right))));
  const found = await ask("compare", { left, right });
  const share = [[found.shared, "shared", `each other's nearest, cosine ${found.threshold} or more`], [found.split, "split", "near one that another is nearer to"],
    [found.only_left, `only in ${title(left)}`, `nothing within cosine ${found.threshold}`], [found.only_right, `only in ${title(right)}`, "likewise"]];
  at.append(h("dl.figures", {}, share.map(([count, name, note]) => h("div", { title: note }, h("dd", {}, count.toLocaleString("en")), h("dt", {}, name)))),
    h("section.charts", {}, histogram({ title: `Cosine of each feature of ${title(left)} and its nearest`, unit: "", ...found.cosines })),
    h("div.columns", {}, h("section", {}, h("div.section-head", {}, h("h2", {}, "Nearest pairs")),
      h("div.pairs", {}, found.matches.map((match) => h("div.pair", {},
        h("a", { href: featureAddress(left, match.feature), dir: "auto" }, nameOf(match)),
        h("b", { title: match.mutual ? "each other's nearest" : "near one that another is nearer to" }, `${match.mutual ? "↔" : "→"} ${match.cosine.toFixed(2)}`),
        h("a", { href: featureAddress(right, match.other), dir: "auto" }, nameOf({ words: match.other_words, label: match.other_label })))))),
    h("section", {}, h("div.section-head", {}, h("h2", {}, `Only in ${title(left)}`), h("p", {}, "The features least like anything on the other side.")),
      h("div.lines.compact", {}, found.alone.map((line) => featureLine(left, line, run.unit))))));
}
