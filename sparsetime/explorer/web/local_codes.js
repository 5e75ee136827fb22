// The code of one sequence in this page, and the timeline of any stretch of it: what an export and a
// live view have in place of the API. Rows are chosen by the rule of the report (explorer/row_choice.py).

import { clusterRows } from "./row_clustering.js";

export const TOO_DENSE = 0.5;  // as in explorer/row_choice.py
const STRANGER = { part: "", label: "", words: [], name: "", named_by: "", dwell: 0, density: 0, peak: 1 };

export class LocalCodes {
  /** `table`: what is known of each feature, by number: part, label, words, dwell, density, peak. */
  constructor(table, { offsets = [0], features = [], percents = [] } = {}) {
    Object.assign(this, { table, offsets, features, percents });
  }

  get length() { return this.offsets.length - 1; }
  push(features, percents) {
    for (const feature of features) this.features.push(feature);
    for (const percent of percents) this.percents.push(percent);
    this.offsets.push(this.features.length);
  }
  known(feature) { return this.table.get(feature) ?? STRANGER; }

  timeline({ first = 0, stop = this.length, columns = 4096, rows = 48, densest = TOO_DENSE, also = [], reach = 0 }) {
    stop = Math.min(stop, this.length);
    const energy = this.energies(first, stop);
    const chosen = [...new Set([...[also].flat(), ...this.choose(energy, rows, densest)])];
    const begin = Math.max(0, first - reach), end = Math.min(this.length, stop + reach);
    const stride = Math.max(1, Math.ceil((end - begin) / columns));
    const cells = new Map(chosen.map((feature) => [feature, { columns: [], strengths: [] }]));
    for (let step = begin; step < end; step += 1) {
      const column = Math.floor((step - begin) / stride);
      for (let at = this.offsets[step]; at < this.offsets[step + 1]; at += 1) {
        const cell = cells.get(this.features[at]);
        if (!cell) continue;
        const last = cell.columns.length - 1;
        if (cell.columns[last] === column) cell.strengths[last] = Math.max(cell.strengths[last], this.percents[at]);
        else { cell.columns.push(column); cell.strengths.push(this.percents[at]); }
      }
    }
    const total = [...energy.values()].reduce((sum, value) => sum + value, 0) || 1;
    const places = clusterRows([...cells.values()], Math.ceil((end - begin) / stride));
    return {
      first: begin, stop: end, length: this.length, stride, active_features: energy.size,
      rows: chosen.map((feature, i) => {
        const { part, label, words, name, named_by, dwell, density } = this.known(feature);
        return { feature, part, label, words, name, named_by, dwell, density, energy: (energy.get(feature) ?? 0) / total, ...places[i], ...cells.get(feature) };
      }),
    };
  }

  energies(first, stop) {
    const energy = new Map();
    for (let at = this.offsets[first]; at < this.offsets[stop]; at += 1) {
      const feature = this.features[at], value = this.percents[at] * this.known(feature).peak;
      energy.set(feature, (energy.get(feature) ?? 0) + value * value);
    }
    return energy;
  }

  choose(energy, rows, densest) {
    const dwell = (feature) => this.known(feature).dwell;
    const byDwell = [...energy.keys()].filter((f) => this.known(f).density <= densest).sort((a, b) => dwell(b) - dwell(a) || a - b);
    const first = (f) => this.known(f).part === "first", parted = byDwell.some((f) => this.known(f).part);
    const middle = Math.ceil(byDwell.length / 2), strongest = (half) => half.sort((a, b) => energy.get(b) - energy.get(a));
    const slow = strongest(parted ? byDwell.filter(first) : byDwell.slice(0, middle));
    const fast = strongest(parted ? byDwell.filter((f) => !first(f)) : byDwell.slice(middle));
    let ofFast = Math.min(Math.floor(rows / 2), fast.length);
    const ofSlow = Math.min(rows - ofFast, slow.length);
    ofFast = Math.min(rows - ofSlow, fast.length);
    return [...slow.slice(0, ofSlow), ...fast.slice(0, ofFast)].sort((a, b) => dwell(b) - dwell(a) || a - b);
  }

  /** What a stretch has to itself, by its log-likelihood ratio (features/specific.py). */
  specific({ first, stop, limit = 12 }) {
    const n = Math.max(1, stop - first), count = new Map();
    for (let at = this.offsets[first]; at < this.offsets[stop]; at += 1) count.set(this.features[at], (count.get(this.features[at]) ?? 0) + 1);
    const found = [];
    for (const [feature, times] of count) {
      const { density, part, label, words, name, named_by } = this.known(feature), p = times / n, q = Math.min(1 - 1e-12, Math.max(1e-12, density));
      if (p > density) found.push({ feature, part, label, words, name, named_by, density, share: p, nats: n * (p * Math.log(p / q) + (p < 1 ? (1 - p) * Math.log((1 - p) / (1 - q)) : 0)) });
    }
    return found.sort((a, b) => b.nats - a.nats || a.feature - b.feature).slice(0, limit);
  }
}
