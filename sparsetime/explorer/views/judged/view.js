// Steering judged by arms: scores with intervals, doses with signs, ranks among nulls, and texts.

import { ask, of } from "../../web/api.js";
import { empty, featureAddress, h, nameOf, plural, short } from "../../web/dom.js";
import { dictionaryChoice, keyInAddress } from "../../web/feature_list.js";
import { link, remember } from "../../web/router.js";

const LEAD =
  "Features beside the plain model, baselines and random features of equal norm, at one bound of perplexity.";
const HOW =
  "Judge some with sparsetime judge … --out and the folder of the index, such as runs/x/topk/features.";
const SHOWN = 6; // texts of an arm

/** @type {View} */
export default async function judgedView(at, run) {
  const key = keyInAddress(run);
  const answers = await ask(/** @type {`dictionaries/${string}/judged`} */ (`${of(key)}/judged`));
  const again = (/** @type {string} */ name) => {
    remember({ dictionary: name }, true);
    at.replaceChildren();
    judgedView(at, run, {});
  };
  at.append(
    h(
      "header.head",
      {},
      h("div", {}, h("h1", {}, "Judged"), h("p.lead", {}, LEAD)),
      h("div.controls", {}, dictionaryChoice(run, key, again)),
    ),
  );
  if (!answers.length) {
    at.append(empty("No steering was judged", HOW));
    return null;
  }
  at.append(h("div.judged", {}, ...answers.map((answer) => section(answer, key))));
  return null;
}

/**
 * @param {Api.JudgedView} answer
 * @param {string} key
 */
function section(answer, key) {
  const { features, arms, prompts, limit, judge, doses, are_chosen, off_target } = answer;
  const title = features.map((line) =>
    h(
      "a",
      { href: link(featureAddress(key, line.feature)) },
      `${line.feature} ${nameOf(line, 4)} `,
    ),
  );
  const texts = h("div.judged-texts");
  const rows = arms.map((arm, i) =>
    h("tr", { tabindex: 0, focus: () => choose(i) }, ...cells(arm, arms)),
  );
  const body = h("tbody", {}, ...rows);
  function choose(/** @type {number} */ place) {
    rows.forEach((row, i) => {
      row.classList.toggle("chosen", i === place);
    });
    texts.replaceChildren(written(arms[place], arms[0], prompts));
  }
  choose(
    Math.max(
      0,
      arms.findIndex((arm) => arm.name === "features"),
    ),
  );
  const heads = ["arm", "score", "", "dose", "effect size", "rank", "perplexity", "off target"];
  return h(
    "section",
    {},
    h("h2", {}, ...title),
    h(
      "p.count",
      {},
      `Score: ${judge}, with its 95% interval over ${plural(prompts.length, "prompt")} that chose nothing. Doses ${doses.join(", ")} in spreads of the site, of both signs, chosen on other prompts at a perplexity of at most ${short(limit)} times the plain one. Off target: ${off_target}. ${are_chosen ? "Examples chose the feature." : ""}`,
    ),
    h(
      "div.scroll",
      {},
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...heads.map((text) => h("th.sub", {}, text)))),
        body,
      ),
    ),
    texts,
  );
}

/**
 * @param {Api.ArmView} arm
 * @param {Api.ArmView[]} arms
 */
function cells(arm, arms) {
  const ends = arms.flatMap((one) => one.target_interval ?? [one.target]);
  const [least, most] = [Math.min(0, ...ends), Math.max(...ends, 1e-9)];
  const place = (/** @type {number} */ value) =>
    `${(100 * (value - least)) / (most - least || 1)}%`;
  const [low, high] = arm.target_interval ?? [arm.target, arm.target];
  const mark = h("span.judged-mark", {}, h("i"), h("b"));
  mark.style.setProperty("--low", place(low));
  mark.style.setProperty("--high", place(high));
  mark.style.setProperty("--own", place(arm.target));
  const value = (/** @type {number | null} */ number, digits = 2) =>
    number === null ? "" : number.toFixed(digits);
  const signed = (/** @type {number | null} */ number) =>
    number === null ? "" : `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;
  const name = arm.null_of ? h("td", {}, arm.name) : h("td.main", {}, arm.name);
  return [
    name,
    h("td", {}, value(arm.target, 3)),
    h("td", {}, mark),
    h("td", {}, arm.dose ? signed(arm.dose) : "0"),
    h("td", {}, signed(arm.effect_size)),
    h("td", {}, value(arm.rank)),
    h("td", {}, value(arm.perplexity)),
    h("td", {}, value(arm.off_target)),
  ];
}

/**
 * What an arm wrote behind each prompt, beside the plain model.
 * @param {Api.ArmView} arm
 * @param {Api.ArmView} plain
 * @param {string[]} prompts
 */
function written(arm, plain, prompts) {
  return h(
    "div",
    {},
    h("h3", {}, `Texts of ${arm.name}, beside plain`),
    h(
      "ul",
      {},
      arm.texts
        .slice(0, SHOWN)
        .map((text, i) =>
          h(
            "li",
            {},
            h("p", {}, h("b", {}, prompts[i] ?? ""), plain.texts[i] ?? ""),
            h("p", {}, h("b", {}, prompts[i] ?? ""), text),
          ),
        ),
    ),
  );
}
