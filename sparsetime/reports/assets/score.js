// Draws the score: features as rows, words as columns, from the record embedded in the page.

const data = JSON.parse(document.getElementById("score-data").textContent);
const SIZE = innerWidth >= 2200 ? 1.25 : 1;
const ROW = Math.round(15 * SIZE), WORDS = 98 * SIZE, TAIL = 40 * SIZE, NARROWEST = 6, LONGEST_WORD = 14;
const APART = 10.4 * SIZE, TYPE = 10 * SIZE, LEADER = 11, TURN = -66;
const panelsAt = document.getElementById("panels");
const prose = document.getElementById("prose");
const tip = document.getElementById("tip");
const titles = new Map(data.dictionaries.map((entry) => [entry.key, entry]));
const state = { passage: 0, shown: "", pinned: null, views: [], spans: [], forced: null };

const short = (word) => (word.length > LONGEST_WORD ? word.slice(0, LONGEST_WORD - 1) + "…" : word);
const hue = (row) => ({ first: "high", rest: "low" })[row.part] ?? "plain";
const nameOf = (row) => row.words.slice(0, 4).join(", ") || "no words of its own";

/** One panel: the gutter with its labels, and the roll with words and bars. */
class View {
  constructor(panel, passage) {
    this.panel = panel;
    this.passage = passage;
    this.cells = panel.rows.map((row) => new Map(row.steps.map((s, i) => [s, row.strengths[i]])));
    this.root = html("div", "panel");
    this.root.style.setProperty("--row", `${ROW}px`);
    this.root.style.setProperty("--size", SIZE);
    this.labels = panel.rows.map((row, index) => this.label(row, index));
    const gutter = html("div", "gutter");
    const header = html("header", "");
    header.style.height = `${WORDS}px`;
    const entry = titles.get(panel.dictionary);
    header.append(html("h3", "", entry.title), html("small", "", entry.note));
    gutter.append(header, ...this.labels);
    if (!panel.rows.length) gutter.append(html("p", "nothing", "No feature is active here, but for those active everywhere."));
    this.roll = html("div", "roll");
    this.roll.tabIndex = 0;
    this.roll.setAttribute("role", "application");
    this.roll.setAttribute("aria-roledescription", "score");
    this.roll.setAttribute(
      "aria-label",
      `${entry.title}: ${panel.rows.length} features over ${passage.words.length} ${data.unit}s; arrow keys move`,
    );
    this.root.append(gutter, this.roll);
    this.at = null;
    this.listen();
  }

  label(row, index) {
    const made = html("button", `label ${hue(row)}`);
    made.type = "button";
    made.tabIndex = -1;
    const words = nameOf(row);
    made.title = `#${row.feature} ${words}\nlasts ${row.dwell} ${data.unit}s on average`;
    made.append(
      html("span", "id", `${row.feature}`), html("span", "words", words),
      html("span", "dwell", row.dwell.toFixed(1)),
    );
    made.addEventListener("pointerenter", () => this.show(index, null));
    made.addEventListener("pointerleave", () => this.show(null, null));
    made.addEventListener("click", () => pin(this, index));
    return made;
  }

  draw(room) {
    const { words, gaps } = this.passage;
    const count = words.length;
    const written = labelled(this.passage);
    const fit = ((state.forced ?? room) - TAIL) / count;
    this.pitch = state.forced ? fit : Math.max(NARROWEST, fit, (written.length * APART) / count);
    const apart = Math.min(APART, (count * this.pitch) / written.length);
    const type = TYPE * (apart / APART);
    const height = WORDS + this.panel.rows.length * ROW + 2;
    const width = count * this.pitch + TAIL;
    const svg = node("svg", { width, height, "aria-hidden": "true" });
    this.column = node("rect", { class: "column", width: this.pitch, height, x: -99, y: 0 });
    svg.append(this.column);
    words.forEach((word, index) => {
      if (!/[.!?]$/.test(word) || index + 1 === count || !gaps[index + 1]) return;
      const x = Math.round((index + 1) * this.pitch) + 0.5;
      svg.append(node("path", { class: "sentence", d: `M${x} ${WORDS}V${height}` }));
    });
    this.rows = this.panel.rows.map((row, index) => this.row(row, index, count));
    svg.append(...this.rows);
    const wanted = written.map(({ from, to }) => ((from + to) / 2) * this.pitch);
    const places = spread(wanted, apart, width - TAIL);
    this.texts = written.map(({ text, from, to }, index) => {
      const x = places[index], y = WORDS - LEADER;
      svg.append(node("path", { class: "leader", d: `M${wanted[index]} ${WORDS - 1}L${x} ${y + 1}` }));
      const turn = `translate(${x + type * 0.34} ${y - 1}) rotate(${TURN})`;
      const made = node("text", { transform: turn, style: `font-size:${type}px` }, short(text));
      return { made, from, to };
    });
    svg.append(...this.texts.map(({ made }) => made));
    this.cursor = node("rect", { class: "cursor", width: this.pitch, height: ROW, x: -99, y: 0, rx: 2 });
    svg.append(this.cursor);
    this.roll.replaceChildren(svg);
    this.svg = svg;
    this.fade();
    this.mark(state.pinned);
  }

  row(row, index, count) {
    const y = WORDS + index * ROW, floor = y + ROW - 1, full = ROW - 3;
    const group = node("g", { class: `row ${hue(row)}` });
    const width = count * this.pitch;
    let ribbon = "", bars = "", start = null;
    row.steps.forEach((step, i) => {
      if (start === null) start = step;
      if (row.steps[i + 1] !== step + 1) {
        ribbon += `M${start * this.pitch} ${floor - full}H${(step + 1) * this.pitch}V${floor}H${start * this.pitch}z`;
        start = null;
      }
      const tall = Math.max(1.5, (full * row.strengths[i]) / 100);
      bars += `M${step * this.pitch} ${floor}v${-tall}h${this.pitch}V${floor}z`;
    });
    group.append(
      node("rect", { class: "band", x: 0, y, width, height: ROW }),
      node("path", { class: "guide", d: `M0 ${floor + 0.5}H${width}` }),
      node("path", { class: "ribbon", d: ribbon }),
      node("path", { class: "bars", d: bars }),
    );
    return group;
  }

  listen() {
    this.roll.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      const step = Math.floor((event.clientX - box.left) / this.pitch);
      const row = Math.floor((event.clientY - box.top - WORDS) / ROW);
      const inside = step >= 0 && step < this.passage.words.length && row < this.panel.rows.length;
      this.show(inside && row >= 0 ? row : null, inside ? step : null, event);
    });
    this.roll.addEventListener("pointerleave", () => this.show(null, null));
    this.roll.addEventListener("click", () => this.at && pin(this, this.at[0]));
    this.roll.addEventListener("focus", () => {
      if (!this.roll.matches(":focus-visible")) return;
      this.move(0, this.panel.rows[0]?.steps[0] ?? 0);
    });
    this.roll.addEventListener("blur", () => this.show(null, null));
    this.roll.addEventListener("keydown", (event) => this.key(event));
    this.roll.addEventListener("scroll", () => {
      this.fade();
      for (const view of state.views) {
        if (view !== this && view.roll.scrollLeft !== this.roll.scrollLeft) view.roll.scrollLeft = this.roll.scrollLeft;
      }
    });
  }

  key(event) {
    const [row, step] = this.at ?? [0, 0];
    const last = this.passage.words.length - 1;
    const moves = {
      ArrowRight: [row, step + 1], ArrowLeft: [row, step - 1], ArrowDown: [row + 1, step],
      ArrowUp: [row - 1, step], Home: [row, 0], End: [row, last],
    };
    if (event.key === "Enter" || event.key === " ") pin(this, row);
    else if (event.key === "Escape") { pin(null, null); this.show(null, null); }
    else if (moves[event.key]) this.move(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  move(row, step) {
    const within = (value, top) => Math.max(0, Math.min(top, value));
    const r = within(row, this.panel.rows.length - 1), s = within(step, this.passage.words.length - 1);
    const x = s * this.pitch, view = this.roll;
    if (x < view.scrollLeft) view.scrollLeft = x - 40;
    if (x + this.pitch > view.scrollLeft + view.clientWidth) view.scrollLeft = x + 40 - view.clientWidth;
    const box = this.svg.getBoundingClientRect();
    this.show(r, s, { clientX: box.left + x + this.pitch, clientY: box.top + WORDS + (r + 1) * ROW });
    this.cursor.setAttribute("x", x);
    this.cursor.setAttribute("y", WORDS + r * ROW);
  }

  /** Light up a row and a step: their label, their words, the column; say what stands there. */
  show(row, step, place = null) {
    this.at = row === null || step === null ? null : [row, step];
    this.cursor.setAttribute("x", -99);
    this.labels.forEach((label, index) => label.classList.toggle("on", index === row));
    this.rows.forEach((group, index) => group.classList.toggle("on", index === row));
    this.column.setAttribute("x", step === null ? -99 : step * this.pitch);
    for (const view of state.views) view.mark(row === null ? state.pinned : { view: this, row }, step);
    shade(row === null ? state.pinned : { view: this, row }, step);
    if (row === null || step === null || !place) { tip.hidden = true; return; }
    const entry = this.panel.rows[row], strength = this.cells[row].get(step);
    const named = titles.get(this.panel.dictionary).parts;
    const where = entry.part ? ` · ${named[entry.part === "first" ? 0 : 1]}` : "";
    tip.replaceChildren(
      html("b", "", this.passage.words[step] || `${data.unit} ${step}`),
      strength === undefined
        ? `feature ${entry.feature} is silent here`
        : `feature ${entry.feature} at ${strength}% of its maximum`,
      document.createElement("br"), nameOf(entry), document.createElement("br"),
      `lasts ${entry.dwell.toFixed(1)} ${data.unit}s on average${where}`,
    );
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = place.clientX + 16 + box.width > innerWidth ? place.clientX - box.width - 16 : place.clientX + 16;
    const top = Math.min(place.clientY + 16, innerHeight - box.height - 8);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  }

  /** Let the edge fade where more of the passage lies beyond it. */
  fade() {
    const { scrollLeft, clientWidth, scrollWidth } = this.roll;
    this.roll.classList.toggle("more", scrollLeft + clientWidth < scrollWidth - 2);
  }

  mark(chosen, step = null) {
    const lit = chosen && chosen.view === this ? this.cells[chosen.row] : null;
    const colour = lit ? hue(this.panel.rows[chosen.row]) : "";
    for (const { made, from, to } of this.texts) {
      let sounds = false;
      for (let index = from; index < to; index += 1) sounds ||= Boolean(lit?.has(index));
      const under = step !== null && from <= step && step < to;
      made.setAttribute("class", (sounds ? `lit ${colour} ` : "") + (under ? "under" : ""));
    }
    const pinned = state.pinned && state.pinned.view === this ? state.pinned.row : null;
    this.labels.forEach((label, index) => label.classList.toggle("pinned", index === pinned));
    this.rows.forEach((group, index) => group.classList.toggle("pinned", index === pinned));
  }
}

/** Keep a row's words marked, or let go of it. */
function pin(view, row) {
  const same = state.pinned && state.pinned.view === view && state.pinned.row === row;
  state.pinned = same || view === null ? null : { view, row };
  for (const each of state.views) each.mark(state.pinned);
  shade(state.pinned, null);
}

/** Shade the words of the passage by the strength of one row. */
function shade(chosen, step) {
  const cells = chosen ? chosen.view.cells[chosen.row] : null;
  const colour = chosen ? hue(chosen.view.panel.rows[chosen.row]) : "plain";
  state.spans.forEach((span, index) => {
    const strength = cells?.get(index);
    span.style.background = strength === undefined
      ? "" : `color-mix(in srgb, var(--${colour}) ${8 + strength * 0.48}%, transparent)`;
    span.classList.toggle("under", index === step);
  });
}

function build() {
  const passage = data.score[state.passage];
  state.pinned = null;
  state.views = passage.panels
    .filter((panel) => !state.shown || panel.dictionary === state.shown)
    .map((panel) => new View(panel, passage));
  panelsAt.replaceChildren(...state.views.map((view) => view.root));
  document.getElementById("passage-source").textContent = passage.source;
  state.spans = passage.words.map((word) => html("span", "", word));
  prose.replaceChildren(document.createElement("p"));
  state.spans.forEach((span, index) => {
    if (passage.gaps[index] === "\n\n" && index) prose.append(document.createElement("p"));
    else if (index) prose.lastChild.append(passage.gaps[index]);
    prose.lastChild.append(span);
  });
  draw();
}

function draw() {
  for (const view of state.views) view.draw(view.roll.clientWidth);
}

if (data.score.length) {
  for (const input of document.querySelectorAll(".choices input")) {
    input.addEventListener("change", () => {
      if (input.name === "passage") state.passage = Number(input.value);
      else state.shown = input.value;
      build();
    });
  }
  let wide = 0;
  new ResizeObserver(() => {
    if (panelsAt.clientWidth === wide) return;
    wide = panelsAt.clientWidth;
    draw();
  }).observe(panelsAt);
  addEventListener("beforeprint", () => { state.forced = 800; draw(); });
  addEventListener("afterprint", () => { state.forced = null; draw(); });
  build();
}
