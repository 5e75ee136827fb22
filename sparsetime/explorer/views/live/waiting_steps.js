// Steps that wait for the model, with the time at which each came.
//
// A device gives steps for as long as it runs, and a model may be slower. So at most `most` wait:
// the oldest of more are left out and counted, or memory and delay would grow without end.

export class WaitingSteps {
  /** @type {any[]} */
  rows = [];
  /** @type {{count: number, at: number}[]} how many came together, and when */
  arrivals = [];
  /** Steps that were left out. */
  leftOut = 0;

  /** @param {number} most */
  constructor(most) {
    this.most = most;
  }

  get length() {
    return this.rows.length;
  }

  /**
   * @param {readonly unknown[]} rows
   * @param {number} at milliseconds
   */
  push(rows, at) {
    for (const row of rows) this.rows.push(row); // a file has more than a call takes arguments
    this.arrivals.push({ count: rows.length, at });
    const more = this.length - this.most;
    if (more <= 0) return;
    this.take(more);
    this.leftOut += more;
  }

  /**
   * The first steps, which wait no longer, and when the last of them came.
   * @param {number} count
   */
  take(count) {
    const rows = this.rows.splice(0, count);
    let [left, at] = [rows.length, 0];
    while (left > 0) {
      const first = this.arrivals[0];
      ({ at } = first);
      const taken = Math.min(left, first.count);
      first.count -= taken;
      left -= taken;
      if (!first.count) this.arrivals.shift();
    }
    return { rows, at };
  }
}
