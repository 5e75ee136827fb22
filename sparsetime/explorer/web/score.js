// The score: one sequence as a piano roll, under one dictionary or several, from book to token.

import { ask, check, choices, colour, featureAddress, h, here, hush, nameOf, of, percent, plural, remember, say, settled, short } from "./dom.js";
import { go } from "./main.js";
import { handle } from "./hands.js";
import { AXIS, ROW, Roll } from "./roll.js";
import { picker } from "./picker.js";
import { labelled } from "./words.js";

const WORDS = 96, NARROWEST = 8, SETTLE = 260, MOST_PROSE = 700;
const SORTS = [["timescale", "timescale"], ["entry", "first entry"], ["strength", "strength"], ["likeness", "likeness"]];
const numbers = (text) => (text ?? "").split(",").filter(Boolean).map(Number);

class Score {
  constructor(at, run) {
    this.at = at;
    this.run = run;
    this.unit = run.unit;
    const query = here(), known = new Map(run.dictionaries.map((each) => [each.entry.key, each]));
    this.known = known;
    const keys = (query.get("d") ?? "").split(",").filter((key) => known.has(key));
    this.keys = keys.length ? keys : [run.dictionaries[0].entry.key];
    const best = known.get(this.keys[0]).opens_at;
    this.sequence = query.has("s") ? Number(query.get("s")) : best[0];
    this.state = {
      sort: SORTS.some(([name]) => name === query.get("sort")) ? query.get("sort") : "timescale",
      group: query.get("group") === "1", rows: Number(query.get("rows")) || 48, dense: query.get("dense") === "1", follow: query.get("follow") !== "0",
    };
    this.pins = new Set((query.get("pins") ?? "").split(",").filter(Boolean));
    this.span = query.has("span") ? numbers(query.get("span").replace("-", ",")) : null;
    this.view = { from: query.has("from") ? Number(query.get("from")) : NaN, to: query.has("to") ? Number(query.get("to")) : NaN };
    if (!query.has("s") && Number.isNaN(this.view.from)) this.view = { from: best[1], to: best[2] };
    this.rolls = [];
    this.boundaries = new Map();
    this.labels = [];
    this.cursor = null;
    this.frame = null;
    this.turn = 0;
    this.rest = settled(() => this.settle(), SETTLE);
  }

  pinsOf(key) { return new Set([...this.pins].filter((pin) => pin.startsWith(`${key}:`)).map((pin) => Number(pin.slice(key.length + 1)))); }

  async open() {
    this.at.replaceChildren();
    this.text = await ask(`${of(this.keys[0])}/sequences/${this.sequence}/words`);
    this.length = this.text.length;
    let { from, to } = this.view;
    if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from) { from = 0; to = Math.min(this.length, 160); }
    this.view = { from: 0, to: this.length };
    this.place(from, to);
    this.labels = labelled(this.text);
    this.build();
    await Promise.all([this.loadMap(), this.loadRows()]);
    if (this.span) await this.showSpan();
    this.draw();
  }

  build() {
    const { run } = this, one = this.known.get(this.keys[0]);
    const others = one.aligned_with.filter((key) => !this.keys.includes(key));
    const title = (key) => this.known.get(key).entry.title;
    const dictionaries = h("select", { "aria-label": "Dictionary", change: (event) => this.change([event.target.value]) },
      run.dictionaries.map(({ entry }) => h("option", { value: entry.key, selected: entry.key === this.keys[0] }, entry.title)));
    const stack = this.keys.length > 1
      ? h("button", { click: () => this.change([this.keys[0]]) }, `Without ${title(this.keys[1])}`)
      : others.length ? h("button", { click: () => this.change([this.keys[0], others[0]]) }, `Stack ${title(others[0])}`) : null;
    const set = (name) => (value) => { this.state[name] = value; this.store(); name === "sort" || name === "group" ? this.arrange() : this.loadRows(); };
    const parts = this.keys.some((key) => this.known.get(key).entry.has_parts);
    this.map = h("canvas.map", { "aria-label": "The whole sequence; drag to move", tabindex: "-1" });
    this.listenMap();
    this.where = h("p.where", { "aria-live": "polite" });
    this.aside = h("section.span", { hidden: true, "aria-live": "polite" });
    this.prose = h("div.prose");
    this.proseNote = h("p.count");
    const panels = this.keys.map((key, i) => {
      const { entry } = this.known.get(key);
      const canvas = h("canvas.roll", { tabindex: "0", role: "application", "aria-label": `Score under ${entry.title}. Arrow keys move, plus and minus zoom, Enter pins, Space opens.` });
      const roll = new Roll(this, key, canvas, i ? 8 : WORDS);
      handle(this, roll);
      this.rolls[i] = roll;
      return h("div.panel", {}, h("h2", {}, entry.title, h("small", {}, entry.note)), canvas);
    });
    this.rolls.length = this.keys.length;
    this.at.append(
      h("header.head.tight", {}, h("div", {}, h("h1", { dir: "auto" }, this.text.title),
        h("p.lead.small", {}, `${this.text.id}, ${plural(this.length, this.unit)}`)),
        picker(this.keys[0], (sequence) => go(`/score?d=${this.keys.join(",")}&s=${sequence}${this.pins.size ? `&pins=${[...this.pins].join(",")}` : ""}`))),
      h("div.controls", {}, dictionaries, stack,
        h("span.control", {}, "Sort by ", choices("sort", SORTS, this.state.sort, set("sort"))),
        h("select", { "aria-label": "Rows", change: (event) => set("rows")(Number(event.target.value)) },
          [24, 48, 120, 400, 2000].map((count) => h("option", { value: count, selected: count === this.state.rows }, count === 2000 ? "all rows" : `${count} rows`))),
        parts ? check("group by part", this.state.group, set("group")) : null,
        check("hide what is always on", !this.state.dense, (on) => set("dense")(!on)),
        check("rows follow the view", this.state.follow, set("follow"))),
      this.map, h("div.panels", {}, panels),
      h("div.under", {}, this.where,
        h("ul.legend", {}, parts ? [h("li", {}, h("i.dot.high"), "high-level part"), h("li", {}, h("i.dot.low"), "low-level part")] : null,
          this.keys.some((key) => !this.known.get(key).entry.has_parts) ? h("li", {}, h("i.dot.plain"), parts ? "no parts" : "a feature") : null,
          h("li", {}, h("b", {}, "8.4"), `mean length of a run, in ${this.unit}s`), h("li", {}, h("i.dashes"), "the active features change"))),
      h("p.hint", {}, "Wheel to zoom, drag to move, shift-wheel along time, alt-wheel through the rows. Drag over the words to see what only they have. Click a row to pin it, double-click to open it."),
      this.aside,
      h("section.passage", {}, h("div.section-head", {}, h("h2", {}, this.text.is_text ? "The passage" : "Times"), this.proseNote), this.prose));
    this.size();
  }

  size() {
    const room = Math.max(330, innerHeight - 300) / this.rolls.length;
    for (const roll of this.rolls) {
      const rows = Math.min(Math.max(12, roll.rows.length || this.state.rows), Math.floor((room / roll.scale - roll.top - AXIS) / ROW));
      roll.canvas.style.height = `${(roll.top + AXIS + Math.max(8, rows) * ROW) * roll.scale}px`;
    }
    this.draw();
  }

  change(keys) {
    this.keys = keys;
    remember({ d: keys.join(",") }, true);
    this.boundaries.clear();
    this.cursor = null;
    this.open().catch((error) => this.at.append(h("p.empty", {}, error.message)));
  }

  /** Look at other steps; never narrower than a few, never beyond the ends. */
  place(from, to) {
    const size = Math.min(this.length, Math.max(Math.min(NARROWEST, this.length), to - from));
    const begin = Math.max(0, Math.min(this.length - size, from + (to - from - size) / 2));
    this.view = { from: begin, to: begin + size };
  }
  moved() { this.draw(); this.rest(); }
  zoom(by, around) {
    const { from, to } = this.view, size = Math.min(this.length, Math.max(NARROWEST, (to - from) * by));
    const share = (around - from) / (to - from), begin = around - share * size;
    this.place(begin, begin + size);
    this.moved();
  }
  pan(steps) {
    const size = this.view.to - this.view.from, begin = Math.max(0, Math.min(this.length - size, this.view.from + steps));
    this.view = { from: begin, to: begin + size };
    this.moved();
  }
  whole() { this.place(0, this.length); this.moved(); }
  scrollRows(roll, rows) { roll.scroll = Math.max(0, Math.min(roll.rows.length - roll.visible, roll.scroll + rows)); this.draw(); }

  settle() {
    if (!this.at.isConnected) return;
    this.store();
    this.writeProse();
    const { from, to } = this.view;
    const short_of = this.rolls.some(({ data }) => data && (from < data.first && data.first > 0 || to > data.stop && data.stop < this.length || data.stride > 1 && (to - from) * data.stride < (data.stop - data.first)));
    if (this.state.follow || short_of) this.loadRows();
  }

  store() {
    remember({
      d: this.keys.join(","), s: this.sequence, from: Math.round(this.view.from), to: Math.round(this.view.to),
      sort: this.state.sort === "timescale" ? "" : this.state.sort, group: this.state.group ? "1" : "", rows: this.state.rows === 48 ? "" : this.state.rows,
      dense: this.state.dense ? "1" : "", follow: this.state.follow ? "" : "0", pins: [...this.pins].join(","), span: this.span ? this.span.join("-") : "",
    });
  }

  async loadRows() {
    const mine = ++this.turn, first = Math.floor(this.view.from), stop = Math.min(this.length, Math.max(first + 1, Math.ceil(this.view.to)));
    const found = await Promise.all(this.rolls.map((roll) => {
      const kept = this.state.follow || !roll.data ? [...this.pinsOf(roll.key)] : roll.data.rows.map((row) => row.feature);
      return ask(`${of(roll.key)}/sequences/${this.sequence}/score`, {
        first, stop, reach: Math.min(100000, 2 * (stop - first)), also: kept, densest: this.state.dense ? 1 : 0.2,
        rows: this.state.follow || !roll.data || roll.data.asked !== this.state.rows ? this.state.rows : 0,
      });
    }));
    if (mine !== this.turn || !this.at.isConnected) return;
    found.forEach((data, i) => { data.asked = this.state.rows; this.rolls[i].take(data); });
    this.where.textContent = found.map((data, i) => `${plural(data.awake, "feature")} awake here, ${data.rows.length} shown${this.keys.length > 1 ? ` (${this.known.get(this.keys[i]).entry.title})` : ""}`).join(" · ");
    this.size();
    this.writeProse();
  }

  async loadMap() {
    const found = await Promise.all(this.keys.map((key) =>
      ask(`${of(key)}/sequences/${this.sequence}/score`, { rows: 0, columns: 2048, also: [...this.pinsOf(key)] })));
    found.forEach((data, i) => this.boundaries.set(this.keys[i], data.boundaries));
    this.mapData = found;
  }

  arrange() { for (const roll of this.rolls) roll.arrange(); this.draw(); }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.at.isConnected) return;
      for (const roll of this.rolls) if (roll.data) roll.draw();
      this.drawMap();
      if (this.rolls.some((roll) => roll.moving)) this.draw();
    });
  }

  drawMap() {
    const { map } = this, pen = map.getContext("2d"), ratio = devicePixelRatio;
    map.width = Math.round(map.clientWidth * ratio); map.height = Math.round(map.clientHeight * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const wide = map.clientWidth, tall = map.clientHeight, x = (step) => (step / this.length) * wide;
    pen.fillStyle = colour("lift"); pen.fillRect(0, 0, wide, tall);
    pen.fillStyle = colour("faint"); pen.globalAlpha = 0.55;
    for (const step of this.boundaries.get(this.keys[0]) ?? []) pen.fillRect(x(step), 0, 1, tall);
    pen.globalAlpha = 1;
    const rows = (this.mapData ?? []).flatMap((data) => data.rows.map((row) => [data, row]));
    rows.forEach(([data, row], i) => {
      pen.fillStyle = colour(row.part || "plain");
      const high = tall / rows.length;
      for (const column of row.columns) pen.fillRect(x(column * data.stride), i * high + 1, Math.max(1, x(data.stride)), Math.max(1, high - 2));
    });
    const a = x(this.view.from), b = Math.max(a + 3, x(this.view.to));
    pen.fillStyle = colour("ink"); pen.globalAlpha = 0.09; pen.fillRect(a, 0, b - a, tall);
    pen.globalAlpha = 1; pen.strokeStyle = colour("ink"); pen.lineWidth = 1.5; pen.strokeRect(a + 0.75, 0.75, b - a - 1.5, tall - 1.5);
  }

  listenMap() {
    const centre = (event) => {
      const box = this.map.getBoundingClientRect(), size = this.view.to - this.view.from;
      this.pan(((event.clientX - box.left) / box.width) * this.length - size / 2 - this.view.from);
    };
    this.map.addEventListener("pointerdown", (event) => { this.map.setPointerCapture(event.pointerId); centre(event); });
    this.map.addEventListener("pointermove", (event) => { if (event.buttons) centre(event); });
  }

  point(roll, x, y, event) {
    const row = roll.rowAt(y), step = roll.stepAt(x);
    const inside = step === null || (step >= 0 && step < this.length);
    roll.canvas.style.cursor = y < roll.top && x >= roll.gutter ? "text" : row !== null && x < roll.gutter ? "pointer" : "";
    if (!inside || (row === null && step === null)) return this.leave();
    this.cursor = { roll, row, step, keys: false };
    return this.tell(event.clientX, event.clientY);
  }

  tell(x, y) {
    const { roll, row, step } = this.cursor;
    this.shade();
    this.draw();
    if (row === null) return hush();
    const each = roll.rows[row], word = step === null ? null : this.text.words[step - this.text.first];
    const here_ = step === null ? 0 : roll.strength(each, step);
    return say({ x, y }, step === null ? nameOf(each, 5) : word || `${this.unit} ${step}`,
      step === null ? "" : here_ ? `at ${here_}% of its strongest` : "silent here",
      step === null ? "" : nameOf(each, 5),
      `feature ${each.feature}${each.part ? `, ${each.part}-level` : ""}; lasts ${short(each.dwell)} ${this.unit}s; on ${percent(each.density)} of all`);
  }

  moveTo(roll, row, step) {
    const r = Math.max(0, Math.min(roll.rows.length - 1, row)), s = Math.max(0, Math.min(this.length - 1, step));
    if (s < this.view.from) this.pan(s - this.view.from);
    if (s + 1 > this.view.to) this.pan(s + 1 - this.view.to);
    if (r < roll.scroll) this.scrollRows(roll, r - roll.scroll);
    if (r >= roll.scroll + roll.visible) this.scrollRows(roll, r - roll.visible + 1 - roll.scroll);
    this.cursor = { roll, row: r, step: s, keys: true };
    const box = roll.canvas.getBoundingClientRect();
    this.tell(box.left + (roll.x(s) + roll.pitch) * roll.scale, box.top + (roll.top + (r + 1 - roll.scroll) * ROW) * roll.scale);
  }
  leave() { this.cursor = null; hush(); this.shade(); this.draw(); }

  pin(roll, row) {
    const name = `${roll.key}:${roll.rows[row].feature}`;
    if (!this.pins.delete(name)) this.pins.add(name);
    roll.before = null;
    this.store();
    this.arrange();
    this.shade();
    this.loadMap().then(() => this.draw());
  }
  openFeature(roll, row) { go(featureAddress(roll.key, roll.rows[row].feature)); }

  select(from, to, done) {
    this.span = from === null ? null : [Math.max(0, from), Math.min(this.length, to)];
    this.draw();
    if (from === null) { this.aside.hidden = true; this.store(); } else if (done) { this.store(); this.showSpan(); }
  }

  async showSpan() {
    const [first, stop] = this.span;
    const words = this.text.words.slice(first, stop).map((word, i) => (i ? this.text.gaps[first + i] : "") + word).join("");
    const found = await Promise.all(this.keys.map((key) => ask(`${of(key)}/sequences/${this.sequence}/specific`, { first, stop })));
    if (!this.span) return;
    this.aside.hidden = false;
    this.aside.replaceChildren(h("div.section-head", {}, h("h2", {}, "What only this stretch has"),
      h("p", { dir: "auto" }, `“${words.length > 160 ? `${words.slice(0, 159)}…` : words}”, ${plural(stop - first, this.unit)}`)),
      h("div.lines.compact", {}, found.flatMap((list, i) => list.map((each) => h(`a.line.${each.part || "plain"}`, { href: featureAddress(this.keys[i], each.feature) },
        h("span.id", {}, each.feature), h("span.name", { dir: "auto" }, nameOf(each, 5)),
        h("span.fact", {}, h("b", {}, percent(each.share)), " here"), h("span.fact", {}, percent(each.density), " elsewhere"))))));
  }

  writeProse() {
    const from = Math.floor(this.view.from), to = Math.min(Math.ceil(this.view.to), from + MOST_PROSE);
    this.proseNote.textContent = `${this.unit}s ${from.toLocaleString("en")} to ${(to - 1).toLocaleString("en")}${to < Math.ceil(this.view.to) ? ", the beginning of what is in view" : ""}`;
    this.spans = [];
    const paragraphs = [h("p", { dir: "auto" })];
    for (let step = from; step < to; step += 1) {
      const i = step - this.text.first, gap = this.text.gaps[i];
      if (this.text.words[i] === undefined) break;
      if (gap === "\n\n" && step > from) paragraphs.push(h("p", { dir: "auto" }));
      else if (step > from) paragraphs.at(-1).append(gap);
      const span = h("span", {}, this.text.words[i]);
      this.spans.push([step, span]);
      paragraphs.at(-1).append(span);
    }
    this.prose.replaceChildren(...paragraphs);
    this.shade();
  }

  /** Shade the words by the row under the cursor, else by the pinned rows' first. */
  shade() {
    let roll = this.cursor?.roll, row = this.cursor?.row !== null ? roll?.rows[this.cursor?.row] : null;
    if (!row) [roll, row] = this.rolls.flatMap((each) => each.rows.filter((r) => this.pinsOf(each.key).has(r.feature)).map((r) => [each, r]))[0] ?? [];
    for (const [step, span] of this.spans ?? []) {
      const strength = row ? roll.strength(row, step) : 0;
      span.style.background = strength ? `color-mix(in srgb, var(--${row.part || "plain"}) ${8 + strength * 0.48}%, transparent)` : "";
      span.classList.toggle("under", step === this.cursor?.step);
    }
  }
}

export async function scoreView(at, run) {
  const score = new Score(at, run);
  await score.open();
  const again = () => score.size();
  addEventListener("resize", again);
  addEventListener("themechange", again);
  return () => { removeEventListener("resize", again); removeEventListener("themechange", again); };
}
