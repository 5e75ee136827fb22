"""The report in a real browser, from a file: drawn, silent, legible, used by mouse and keyboard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from browsing import CONTRAST, watched_page
from report_pages import embedded_rows

from sparsetime.reports.report import render

TOP, ROW, GUTTER = 96, 16, 268  # of the timeline's canvas: room for words, a row, the labels
SHADED = ".passage-text span[style*='color-mix']"
INK = """(selector) => [...document.querySelectorAll(selector)].map((c) => {
  const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
  let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })"""


@pytest.fixture(scope="module")
def address(tmp_path_factory, page_data):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(page_data), "utf-8")
    return path.as_uri()


@pytest.fixture
def tab(browser, address):
    """A page that was opened, with what it said and asked for; neither may be anything bad."""
    with watched_page(browser, allowed=("Canvas2D:",), height=1100) as page:
        asked = []
        note = lambda request: asked.append(request.url)  # noqa: E731
        page.on("request", note)
        page.goto(address)
        ready(page)
        yield page
        page.remove_listener("request", note)
        assert {each for each in asked if not each.startswith("data:")} == {address}


def ready(page):
    page.wait_for_selector("#timeline-stage[data-ready]")
    page.wait_for_timeout(300)  # rows glide to their places


def boxes(page, selector):
    return page.eval_on_selector_all(
        selector, "all => all.map(e => e.getBoundingClientRect().toJSON())"
    )


def at(tab, row, step, steps):
    """Where a cell of the first chart is drawn."""
    box = boxes(tab, "canvas.timeline")[0]
    pitch = (box["width"] - GUTTER) / steps
    return box["left"] + GUTTER + (step + 0.5) * pitch, box["top"] + TOP + (row + 0.7) * ROW


def test_both_charts_are_drawn(tab):
    assert tab.locator(".timeline-chart").count() == 2
    assert min(tab.evaluate(INK, "canvas.timeline")) > 5_000
    assert tab.evaluate(INK, "canvas.minimap")[0] > 0


@pytest.mark.parametrize("width", [1280, 1440, 2560, 3840])
def test_no_labels_overlap(tab, width):
    tab.set_viewport_size({"width": width, "height": 1100})
    tab.reload()
    ready(tab)
    texts = boxes(tab, ".chart text")
    for i, a in enumerate(texts):
        for b in texts[i + 1 :]:
            apart = (
                a["right"] <= b["left"] + 1 or b["right"] <= a["left"] + 1
                or a["bottom"] <= b["top"] + 3 or b["bottom"] <= a["top"] + 3
            )  # fmt: skip
            assert apart, (a, b)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_words_stand_over_the_rows(tab):
    ink = """(top) => { const c = document.querySelector("canvas.timeline"), r = devicePixelRatio;
      const pen = c.getContext("2d"), wide = c.width - 300 * r;
      const d = pen.getImageData(280 * r, 4 * r, wide, (top - 14) * r).data;
      let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 60; return n; }"""
    assert tab.evaluate(ink, TOP) > 1_000


def test_slanted_words_keep_their_distance_and_order(tab):
    """The layout of labels: the distance between two parallel lines of text holds a line."""
    rng = np.random.default_rng(0)
    wanted = [sorted(rng.uniform(0, 100, rng.integers(1, 31)).tolist()) for _ in range(200)]
    placed = tab.evaluate(
        """async (lists) => {
        const layout = await import("sparsetime/web/label_layout.js");
        const words = (words, gaps) => layout.labelled({ first: 0, words, gaps })
          .map(({ text, from, to }) => [text, from, to]);
        return {
          lists: lists.map((wanted) => layout.spread(wanted, 4, 220)),
          room: layout.spread([0, 10, 20], 5, 100), tight: layout.spread([10, 10], 4, 100),
          pieces: words(["__", "init", "__", "(", ")", "is", "called", "."],
                        ["", "", "", "", "", " ", " ", ""]),
          joined: words(["token", "izer"], [" ", ""]) }; }""",
        wanted,
    )
    for places in placed["lists"]:
        assert all(b - a >= 4 - 1e-6 for a, b in pairwise(places))
        assert places[0] >= 0 and places[-1] <= 220 + 1e-6
    assert placed["room"] == [0, 10, 20] and placed["tight"] == [8, 12]
    assert placed["pieces"] == [["init", 1, 2], ["is", 5, 6], ["called", 6, 7]]
    assert placed["joined"] == [["tokenizer", 0, 2]]


def test_a_passage_can_be_chosen(tab, page_data):
    tab.get_by_text("lambda", exact=True).first.click()
    ready(tab)
    words = page_data.timeline.passages[3].words
    assert tab.locator(".passage-text span").count() == len(words)
    assert tab.locator(".passage-text span").first.inner_text() == words[0]
    assert "topics/lambda" in tab.locator("#passage-source").inner_text()


def test_one_dictionary_can_be_shown_alone(tab):
    tab.locator(".choices").nth(1).get_by_text("BatchTopK", exact=True).click()
    ready(tab)
    assert tab.locator(".timeline-chart").count() == 1
    assert tab.locator(".timeline-chart h2").inner_text().startswith("BatchTopK")


def test_pointing_at_a_bar_says_what_it_is(tab, page_data):
    row = embedded_rows(page_data, 0, "temporal")[0]
    steps = len(page_data.timeline.passages[0].words)
    tab.mouse.move(*at(tab, 0, row.steps[0], steps))
    text = tab.locator("#tip").inner_text()
    assert f"feature {row.feature}" in text
    assert f"at {row.strengths[0]}% of its largest activation" in text
    assert f"mean dwell {float(f'{row.dwell:.3g}'):g} tokens" in text
    assert tab.locator(SHADED).count() == len(row.steps)


def test_the_keyboard_moves_through_the_timeline(tab, page_data):
    first, second = embedded_rows(page_data, 0, "temporal")[:2]
    words = page_data.timeline.passages[0].words
    tab.locator("canvas.timeline").first.focus()
    tip = tab.locator("#tip")
    tab.keyboard.press("ArrowRight")
    assert f"feature {first.feature}" in tip.inner_text()
    tab.keyboard.press("ArrowDown")
    assert f"feature {second.feature}" in tip.inner_text()
    for _ in words:
        tab.keyboard.press("ArrowRight")
    assert words[-1] in tip.inner_text()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    assert not tip.is_visible()
    note = tab.locator(".passage .count").inner_text()
    assert f"shaded where feature {second.feature} is active" in note


def test_a_pinned_row_keeps_its_words(tab, page_data):
    row = embedded_rows(page_data, 0, "temporal")[0]
    box = boxes(tab, "canvas.timeline")[0]
    tab.mouse.click(box["left"] + 90, box["top"] + TOP + ROW / 2)
    tab.mouse.move(5, 5)
    assert tab.locator(SHADED).count() == len(row.steps)


def test_dark_and_light_have_readable_ink(tab):
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        for selector in ("h1", ".timeline-chart h2", ".where", ".facts", ".colophon p"):
            assert tab.evaluate(CONTRAST, selector) >= 3.0, (scheme, selector)
        assert tab.evaluate(CONTRAST, "blockquote p") >= 7.0
        assert min(tab.evaluate(INK, "canvas.timeline")) > 5_000


def test_it_prints(tab):
    tab.set_viewport_size({"width": 1032, "height": 700})  # A4 across, less its margins
    tab.emulate_media(media="print")
    assert all(box["right"] <= 1032 for box in boxes(tab, "canvas.timeline"))
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_hostile_corpus_stays_text(browser, hostile_page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(hostile_page), "utf-8")
    page = browser.new_page()
    said = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    ready(page)
    assert page.locator(".timeline-chart").count() == 2
    assert page.locator(".passage-text span").first.inner_text() == "<"
    assert said == []
    page.close()
