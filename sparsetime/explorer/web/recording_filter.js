// Choice of recordings by a value of a label, and of a label to split numbers by.

import { ask, of } from "./api.js";
import { dropdown, h } from "./dom.js";
import { exported } from "./router.js";

/**
 * The labels of the recordings of a dictionary; none in an export, whose files hold all recordings.
 * @param {string} key
 * @returns {Promise<Api.RecordingLabel[]>}
 */
export const recordingLabels = async (key) => (exported ? [] : ask(`${of(key)}/recording_labels`));

/**
 * A drop-down list of conditions `label:value`; null where recordings have no labels.
 * @param {Api.RecordingLabel[]} labels
 * @param {string} name what one recording is called
 * @param {string} chosen
 * @param {(only: string) => unknown} change
 */
export function conditionChoice(labels, name, chosen, change) {
  if (!labels.length) return null;
  /** @type {[string, string][]} */
  const conditions = labels.flatMap((label) =>
    label.values.map(
      ({ value, recordings }) =>
        /** @type {[string, string]} */ ([
          `${label.name}:${value}`,
          `${label.name}: ${value} (${recordings})`,
        ]),
    ),
  );
  return dropdown(`Which ${name}s`, [["", `all ${name}s`], ...conditions], chosen, change);
}

/**
 * Why a page has no such choice; null where the recordings of no dictionary have labels.
 * @param {Api.Overview} run
 * @param {string} reason of the view's manifest; empty where it has a choice
 */
export async function noChoiceNote({ dictionaries }, reason) {
  if (!reason || exported) return null;
  for (const { entry } of dictionaries)
    if ((await recordingLabels(entry.key)).length)
      return h("p.count.no-choice", {}, `Not split by labels of recordings: ${reason}.`);
  return null;
}

/**
 * A drop-down list of labels to split by; null where there are none.
 * @param {Api.RecordingLabel[]} labels
 * @param {string} chosen
 * @param {(split: string) => unknown} change
 */
export function splitChoice(labels, chosen, change) {
  if (!labels.length) return null;
  /** @type {[string, string][]} */
  const names = labels.map(({ name }) => [name, `split by ${name}`]);
  return dropdown("Split by", [["", "no split"], ...names], chosen, change);
}
