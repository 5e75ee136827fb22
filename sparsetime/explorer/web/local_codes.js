// The codes of one sequence in this page, and the timeline of any segment of it, without the API.
//
// An export and a live view read timelines from here. Rows are chosen by the rule of
// sparsetime/explorer/row_choice.py.

import { clusterRows } from "./row_clustering.js";

/** Features active on a larger share of all steps are left out, as in explorer/row_choice.py. */
export const TOO_DENSE = 0.5;

/**
 * @typedef {Omit<Api.TimelineFeature, "feature"> & Partial<FeatureName> & {feature?: number}}
 *   KnownFeature
 * @typedef {Pick<Api.TimelineRow, "name" | "named_by">} FeatureName
 */
/** @typedef {{columns: number[], strengths: number[]}} Cells */

/** @type {KnownFeature} */
const UNKNOWN = { part: "", label: "", words: [], dwell: 0, density: 0, peak: 1 };

/** Sparse codes, step after step: features and their activations in percent of each one's peak. */
export class LocalCodes {
  /**
   * @param {Map<number, KnownFeature>} table the features' facts, by number
   * @param {{offsets?: number[], features?: number[], percents?: number[]}} codes step i holds the
   *   entries from offsets[i] to offsets[i + 1]
   */
  constructor(table, { offsets = [0], features = [], percents = [] } = {}) {
    this.table = table;
    this.offsets = offsets;
    this.features = features;
    this.percents = percents;
  }

  get length() {
    return this.offsets.length - 1;
  }

  /**
   * Append a step.
   * @param {number[]} features
   * @param {number[]} percents
   */
  push(features, percents) {
    for (const feature of features) this.features.push(feature);
    for (const percent of percents) this.percents.push(percent);
    this.offsets.push(this.features.length);
  }

  /** @param {number} feature */
  known(feature) {
    return this.table.get(feature) ?? UNKNOWN;
  }

  /**
   * The part and the names of a feature, as rows and lists show them.
   * @param {number} feature
   */
  named(feature) {
    const { part, label, words, name = "", named_by = "" } = this.known(feature);
    return { feature, part, label, words, name, named_by };
  }

  /**
   * The timeline of the steps `first` to `stop`, as the API answers it.
   * @param {Api.Query<"dictionaries/k/sequences/0/timeline">} query
   * @returns {Omit<TimelineData, "boundaries">}
   */
  timeline(query) {
    const columns = query.columns ?? 4096;
    const reach = query.reach ?? 0;
    const first = query.first ?? 0;
    const stop = Math.min(query.stop ?? this.length, this.length);
    const energy = this.energies(first, stop);
    const chosen = this.choose(energy, query.rows ?? 48, query.densest ?? TOO_DENSE);
    // In the server's order, as the clustering breaks ties by it.
    const more = new Set(query.also ?? []);
    for (const feature of chosen) more.delete(feature);
    const features = [...more, ...chosen];
    const begin = Math.max(0, first - reach);
    const end = Math.min(this.length, stop + reach);
    const stride = Math.max(1, Math.ceil((end - begin) / columns));
    const cells = this.cells(features, begin, end, stride);
    const total = [...energy.values()].reduce((sum, value) => sum + value, 0) || 1;
    const places = clusterRows(cells, Math.ceil((end - begin) / stride));
    return {
      first: begin,
      stop: end,
      length: this.length,
      stride,
      active_features: energy.size,
      boundaries_known: true,
      rows: features.map((feature, i) => {
        const { dwell, density } = this.known(feature);
        const share = (energy.get(feature) ?? 0) / total;
        const facts = { ...this.named(feature), dwell, density, energy: share };
        return { ...facts, ...places[i], ...cells[i] };
      }),
    };
  }

  /**
   * Columns of `stride` steps on which each feature is active, with its maximum there.
   * @param {number[]} features
   * @param {number} begin
   * @param {number} end
   * @param {number} stride
   * @returns {Cells[]}
   */
  cells(features, begin, end, stride) {
    /** @type {Map<number, Cells>} */
    const cells = new Map(features.map((feature) => [feature, { columns: [], strengths: [] }]));
    for (let step = begin; step < end; step += 1) {
      const column = Math.floor((step - begin) / stride);
      for (let at = this.offsets[step]; at < this.offsets[step + 1]; at += 1) {
        const cell = cells.get(this.features[at]);
        if (!cell) continue;
        const last = cell.columns.length - 1;
        if (cell.columns[last] === column) {
          cell.strengths[last] = Math.max(cell.strengths[last], this.percents[at]);
        } else {
          cell.columns.push(column);
          cell.strengths.push(this.percents[at]);
        }
      }
    }
    return [...cells.values()];
  }

  /**
   * Energy of each feature over a segment: the sum of its squared activations.
   * @param {number} first
   * @param {number} stop
   * @returns {Map<number, number>}
   */
  energies(first, stop) {
    const energy = new Map();
    for (let at = this.offsets[first]; at < this.offsets[stop]; at += 1) {
      const feature = this.features[at];
      const value = this.percents[at] * this.known(feature).peak;
      energy.set(feature, (energy.get(feature) ?? 0) + value * value);
    }
    return energy;
  }

  /**
   * The rows of a timeline: half of them slow features, half fast ones, those of most energy.
   *
   * The parts of a dictionary are the halves where it has parts, else the median dwell divides
   * them. Where one half has too few, the other fills its places.
   * @param {Map<number, number>} energy by feature
   * @param {number} rows
   * @param {number} densest
   * @returns {number[]} the longest dwell first
   */
  choose(energy, rows, densest) {
    const dwell = (/** @type {number} */ feature) => this.known(feature).dwell;
    const byDwell = (/** @type {number} */ a, /** @type {number} */ b) =>
      dwell(b) - dwell(a) || a - b;
    const strongest = (/** @type {number[]} */ half) =>
      half.sort((a, b) => (energy.get(b) ?? 0) - (energy.get(a) ?? 0));
    const isFirst = (/** @type {number} */ feature) => this.known(feature).part === "first";

    const sorted = [...energy.keys()]
      .filter((feature) => this.known(feature).density <= densest)
      .sort(byDwell);
    const hasParts = sorted.some((feature) => this.known(feature).part);
    const middle = Math.ceil(sorted.length / 2);
    const slow = strongest(hasParts ? sorted.filter(isFirst) : sorted.slice(0, middle));
    const fast = strongest(
      hasParts ? sorted.filter((feature) => !isFirst(feature)) : sorted.slice(middle),
    );
    const slowRows = Math.min(rows - Math.min(Math.floor(rows / 2), fast.length), slow.length);
    return [...slow.slice(0, slowRows), ...fast.slice(0, rows - slowRows)].sort(byDwell);
  }

  /**
   * Features enriched in a segment, by the log-likelihood ratio of features/enrichment.py in nats.
   * @param {Api.Query<"dictionaries/k/sequences/0/specific">} query
   * @returns {Api.EnrichedFeature[]} the most enriched first
   */
  specific({ first, stop, limit }) {
    const steps = Math.max(1, stop - first);
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (let at = this.offsets[first]; at < this.offsets[stop]; at += 1) {
      const feature = this.features[at];
      counts.set(feature, (counts.get(feature) ?? 0) + 1);
    }
    const enriched = [];
    for (const [feature, count] of counts) {
      const { density } = this.known(feature);
      const share = count / steps;
      if (share <= density) continue;
      // Away from 0 and 1, or a feature that the corpus lacks would have an infinite ratio.
      const chance = Math.min(1 - 1e-12, Math.max(1e-12, density));
      const silent = share < 1 ? (1 - share) * Math.log((1 - share) / (1 - chance)) : 0;
      const nats = steps * (share * Math.log(share / chance) + silent);
      enriched.push({ ...this.named(feature), density, share, nats });
    }
    return enriched.sort((a, b) => b.nats - a.nats || a.feature - b.feature).slice(0, limit ?? 12);
  }
}
