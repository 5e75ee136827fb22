// Matches: two columns of features with the similarity between them, or a flow over dictionaries.

import { ask } from "../../web/api.js";
import {
  choices,
  dropdown,
  empty,
  featureAddress,
  h,
  hueOf,
  messageOf,
  nameOf,
} from "../../web/dom.js";
import { histogram } from "../../web/histogram.js";
import { exported, here, link, remember } from "../../web/router.js";

const WAIT = "Matching every feature, and a null. The first time this takes a moment.";

/** @type {[string, string][]} */
const SHOWN = [
  ["all", "all"],
  ["mutual", "mutual"],
  ["beyond", "beyond the null"],
  ["within", "within the null"],
];
/** @type {[string, string][]} */
const BY = [
  ["atoms", "by direction"],
  ["codes", "by activation"],
];

/** @type {View} */
export default async function matchesView(at, run) {
  const keys = run.dictionaries.map(({ entry }) => entry.key);
  if (keys.length < 2) {
    const how = "Train and index another one in this run to match their features.";
    at.append(empty("There is one dictionary only", how));
    return null;
  }
  /** @type {Record<string, string>} */
  const titles = Object.fromEntries(run.dictionaries.map(({ entry }) => [entry.key, entry.title]));
  const named = (/** @type {string} */ name) => keys.find((key) => key === here().get(name));
  const left = named("left") ?? keys[0];
  const right = named("right") ?? keys.find((key) => key !== left) ?? keys[0];
  const by = exported ? "atoms" : (here().get("by") ?? "atoms");
  const view = here().get("view") === "flow" ? "flow" : "pair";
  const again = (/** @type {Record<string, string>} */ changes) => {
    remember(changes, true);
    at.replaceChildren();
    matchesView(at, run, {}).catch((error) =>
      at.append(empty("These cannot be matched", messageOf(error))),
    );
  };
  /** @type {[string, string][]} */
  const options = keys.map((key) => [key, titles[key]]);
  const status = h("p.count", { role: "status" }, WAIT);
  at.append(
    h(
      "header.head",
      {},
      h(
        "div",
        {},
        h("h1", {}, "Matches"),
        h("p.lead", {}, "The same feature in another dictionary, layer, seed or training step."),
      ),
      h(
        "div.controls",
        {},
        choices(
          "view",
          [
            ["pair", "two columns"],
            ["flow", "flow over all"],
          ],
          view,
          (name) => again({ view: name === "pair" ? "" : name }),
        ),
        exported
          ? null
          : choices("by", BY, by, (name) => again({ by: name === "atoms" ? "" : name })),
        view === "pair"
          ? [
              dropdown("left", options, left, (key) => again({ left: key })),
              dropdown("right", options, right, (key) => again({ right: key })),
            ]
          : null,
      ),
    ),
    status,
  );
  at.style.opacity = ""; // the page is hidden until the view is drawn; this wait must be seen
  if (view === "flow") {
    const answer = await ask("flow", { keys, by });
    status.remove();
    at.append(flow(answer, titles));
    return null;
  }
  const answer = await ask("matches", { left, right, by });
  status.remove();
  at.append(pair(answer, titles));
  return null;
}

/**
 * @param {Api.MatchView} answer
 * @param {Record<string, string>} titles
 */
function pair(answer, titles) {
  const { features, mutual, beyond_null, matches, left, right, null_is } = answer;
  const rows = h("div.match-rows");
  const show = (/** @type {string} */ name) => {
    const kept = matches.filter(
      (one) =>
        name === "all" ||
        (name === "mutual" && one.mutual) ||
        (name === "beyond" && one.beyond_null) ||
        (name === "within" && !one.beyond_null),
    );
    rows.replaceChildren(
      h("div.match-row.heads", {}, h("b", {}, titles[left]), h("span"), h("b", {}, titles[right])),
      ...kept.map((one) => matchRow(one, left, right)),
      ...(kept.length ? [] : [h("p.count", {}, "None among those listed.")]),
    );
  };
  show("all");
  const title = answer.by === "atoms" ? "Cosine to the nearest" : "Correlation with the nearest";
  return h(
    "div",
    {},
    h(
      "dl.statistics",
      {},
      fact(features, "features on the left"),
      fact(mutual, "are each other's nearest"),
      fact(beyond_null, "more similar than every draw of the null"),
    ),
    h(
      "section.charts",
      {},
      histogram({ title, unit: "", ...answer.similarities }),
      histogram({ title: `The same in the null: ${null_is}`, unit: "", ...answer.nulls }),
    ),
    h(
      "section",
      {},
      h("div.controls", {}, choices("shown", SHOWN, "all", show)),
      rows,
      matches.length < features
        ? h(
            "p.count",
            {},
            `The ${matches.length} most similar of ${features.toLocaleString("en")}.`,
          )
        : null,
    ),
  );
}

const fact = (/** @type {number} */ value, /** @type {string} */ text) =>
  h("div", {}, h("dd", {}, value.toLocaleString("en")), h("dt", {}, text));

/**
 * @param {Api.MatchedFeature} one
 * @param {string} left
 * @param {string} right
 */
function matchRow(one, left, right) {
  const bar = h(`span.match-bar${one.beyond_null ? "" : ".weak"}`, {
    title: `similarity ${one.similarity.toFixed(2)}; largest of the null ${one.null.toFixed(2)}${one.mutual ? "; mutual" : ""}`,
  });
  bar.style.setProperty("--own", String(Math.max(0, one.similarity)));
  bar.style.setProperty("--null", String(Math.max(0, one.null)));
  const middle = h(
    "span.match-middle",
    {},
    h(
      "i",
      { title: one.mutual ? "each other's nearest" : "nearest to the left one only" },
      one.mutual ? "⇄" : "→",
    ),
    bar,
    h("b", {}, one.similarity.toFixed(2)),
  );
  return h("div.match-row", {}, cell(one.left, left), middle, cell(one.right, right));
}

/**
 * @param {Api.FeatureLine} line
 * @param {string} key
 */
const cell = (line, key) =>
  h(
    `a.${hueOf(line)}`,
    { href: link(featureAddress(key, line.feature)), dir: "auto", title: nameOf(line, 8) },
    h("span.id", {}, line.feature),
    h("span.name", {}, nameOf(line, 4)),
  );

/**
 * @param {Api.FlowView} answer
 * @param {Record<string, string>} titles
 */
function flow({ stages, chains, threshold, of_chains }, titles) {
  const grid = h("div.flow");
  grid.style.setProperty("--stages", String(stages.length));
  grid.append(
    ...stages.map(({ key, features, born, ended, split }, i) =>
      h(
        "div.flow-stage",
        {},
        h("h3", {}, titles[key]),
        h("p.count", {}, `${features.toLocaleString("en")} features`),
        i ? h("p.count", {}, `${born.toLocaleString("en")} new`) : null,
        i < stages.length - 1
          ? h("p.count", {}, `${ended.toLocaleString("en")} end here · ${split} split`)
          : null,
      ),
    ),
    ...chains.flatMap(({ features, similarity }) =>
      stages.map(({ key }, i) => {
        const line = features[i];
        if (!line) return h("span.gone", { "aria-hidden": "true" });
        const element = cell(line, key);
        if (i) {
          const near = similarity[i - 1];
          const text = `similarity ${near.toFixed(2)} to the stage before`;
          const bar = h("i.link", { title: text, role: "img", "aria-label": text });
          bar.style.setProperty("--own", String(near));
          return h("span.linked", {}, bar, element);
        }
        return h("span.linked", {}, element);
      }),
    ),
  );
  const note = `Each row is a feature of the first dictionary and its nearest in the next, while their similarity is at least ${threshold}. ${chains.length.toLocaleString("en")} of ${of_chains.toLocaleString("en")} rows, the longest first.`;
  return h("section", {}, h("p.count", {}, note), h("div.scroll", {}, grid));
}
