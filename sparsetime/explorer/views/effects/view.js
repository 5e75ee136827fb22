// Effects of edits by lag: curves with the band of the null, half-lives, and the echo.

import { ask, of } from "../../web/api.js";
import { empty, featureAddress, h, nameOf, plural, short } from "../../web/dom.js";
import { dictionaryChoice, keyInAddress } from "../../web/feature_list.js";
import { lineChart } from "../../web/line_chart.js";
import { link, remember } from "../../web/router.js";

/** @type {Record<string, string>} */
const TITLES = {
  impulse: "Impulse: edited at lag 0 alone",
  step: "Step: edited from lag 0 on",
  release: "Release: behind the end of a held edit",
};

/** @type {View} */
export default async function effectsView(at, run) {
  const key = keyInAddress(run);
  const answers = await ask(/** @type {`dictionaries/${string}/effects`} */ (`${of(key)}/effects`));
  const again = (/** @type {string} */ name) => {
    remember({ dictionary: name }, true);
    at.replaceChildren();
    effectsView(at, run, {});
  };
  at.append(
    h(
      "header.head",
      {},
      h(
        "div",
        {},
        h("h1", {}, "Effects"),
        h("p.lead", {}, "How large the effect of an edit is at each lag, and how long it lasts."),
      ),
      h("div.controls", {}, dictionaryChoice(run, key, again)),
    ),
  );
  if (!answers.length) {
    const how =
      "Measure one with sparsetime effects … --out and the folder of the index, such as runs/x/topk/features.";
    at.append(empty("No effect was measured", how));
    return null;
  }
  at.append(h("div.effects", {}, ...answers.map((answer) => section(answer, key))));
  return null;
}

/**
 * @param {Api.EffectsView} answer
 * @param {string} key
 */
function section(answer, key) {
  const { features, edits, windows, units, at, hold, responses, echo, divergence_is } = answer;
  const title = features.map((line) =>
    h(
      "a",
      { href: link(featureAddress(key, line.feature)) },
      `${line.feature} ${nameOf(line, 4)} `,
    ),
  );
  const where = at === "onset" ? "from an onset of the feature" : `from step ${at}`;
  return h(
    "section",
    {},
    h("h2", {}, ...title),
    h(
      "p.count",
      {},
      `${edits.join(", ")} (${units}), ${where}, held for ${plural(hold, "step")}; ${plural(windows, "window")}. ${divergence_is}. Line: mean; thin lines: its 95% interval; grey: random features of equal added norm.`,
    ),
    h(
      "div.charts",
      {},
      ...responses.map((response) =>
        chart(TITLES[response.kind] ?? response.kind, response.divergence, halfLife(response)),
      ),
    ),
    echo
      ? h(
          "div.charts",
          {},
          chart("Echo in keys and values (same words)", echo.carried, "behind the end"),
          chart("Echo in the chosen words (same model)", echo.words, "behind the end"),
          chart(
            "Activation of the feature, edited less plain",
            echo.feature,
            `active ${short(echo.latching)} steps longer${interval(echo.latching_interval)}`,
          ),
        )
      : null,
  );
}

/**
 * @param {string} title
 * @param {Api.LagBand} band
 * @param {string} note
 */
const chart = (title, { mean, low, high, null_low, null_high }, note) =>
  lineChart({
    title,
    unit: "lag",
    x: mean.map((_, i) => i),
    lines: [mean, low, high],
    names: ["mean", "low", "high"],
    band: null_low && null_high ? [null_low, null_high] : null,
    hue: "high",
    note: `at most ${short(Math.max(...mean))}${note ? `; ${note}` : ""}`,
  });

/** @param {Api.ResponseView} response */
function halfLife({ kind, half_life, half_life_interval, half_life_null, half_life_censored }) {
  if (kind === "step") return "";
  const least = half_life_censored ? "at least " : "";
  const other = half_life_null === null ? "" : `; random features ${short(half_life_null)}`;
  return `half-life ${least}${short(half_life)} steps${interval(half_life_interval)}${other}`;
}

/** @param {[number, number] | null} given */
const interval = (given) => (given ? ` (${short(given[0])} to ${short(given[1])})` : "");
