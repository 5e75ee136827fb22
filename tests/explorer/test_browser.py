"""The page in a real browser: drawn, silent, legible, usable by mouse and by keyboard."""

from __future__ import annotations

from itertools import pairwise

import pytest
from browsing import CONTRAST

from sparsetime.reports.report import render


@pytest.fixture(scope="module")
def address(tmp_path_factory, page_data):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(page_data), "utf-8")
    return path.as_uri()


@pytest.fixture
def tab(browser, address):
    """A page that was opened, with what it said and asked for; neither may be anything bad."""
    context = browser.new_context(viewport={"width": 1440, "height": 1100})
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    assert said == []
    assert set(asked) == {address}
    context.close()


def boxes(page, selector):
    return page.eval_on_selector_all(
        selector, "all => all.map(e => e.getBoundingClientRect().toJSON())"
    )


def test_both_panels_are_drawn(tab):
    assert tab.locator(".panel").count() == 2
    assert tab.locator(".panel").first.locator(".label.high").count() > 3
    assert tab.locator(".bars").count() == tab.locator(".label").count() > 50


@pytest.mark.parametrize("width", [1280, 1440, 2560, 3840])
def test_no_labels_overlap(tab, width):
    tab.set_viewport_size({"width": width, "height": 1100})
    tab.reload()
    rows = boxes(tab, ".panel:first-child .label")
    assert all(b["top"] >= a["bottom"] - 0.5 for a, b in pairwise(rows))
    # Slanted words: the distance between two parallel lines of text must hold a line of text.
    places = tab.eval_on_selector_all(
        ".panel:first-child .roll text",
        """all => all.map(e => { const m = e.transform.baseVal.consolidate().matrix;
           return [m.e, Math.abs(m.b), parseFloat(getComputedStyle(e).fontSize)]; })""",
    )
    for (x, slope, size), (following, _, _) in pairwise(places):
        assert (following - x) * slope >= size * 0.9
    texts = boxes(tab, ".chart text")
    for i, a in enumerate(texts):
        for b in texts[i + 1 :]:
            apart = (
                a["right"] <= b["left"] + 1 or b["right"] <= a["left"] + 1
                or a["bottom"] <= b["top"] + 3 or b["bottom"] <= a["top"] + 3
            )  # fmt: skip
            assert apart, (a, b)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_words_stand_over_the_roll(tab):
    roll = boxes(tab, ".panel:first-child .roll")[0]
    for box in boxes(tab, ".panel:first-child .roll text"):
        assert box["top"] >= roll["top"] - 0.5


def test_a_passage_can_be_chosen(tab, page_data):
    tab.get_by_text("lambda", exact=True).first.click()
    words = page_data.score[3].words
    assert tab.locator("#prose span").count() == len(words)
    assert tab.locator("#prose span").first.inner_text() == words[0]
    assert "topics/lambda" in tab.locator("#passage-source").inner_text()


def test_one_dictionary_can_be_shown_alone(tab):
    tab.locator(".choices").nth(1).get_by_text("BatchTopK", exact=True).click()
    assert tab.locator(".panel").count() == 1
    assert tab.locator(".panel h3").inner_text() == "BatchTopK"


def test_pointing_at_a_bar_says_what_it_is(tab, page_data):
    row = page_data.score[0].panels[0].rows[0]
    bar = boxes(tab, ".panel:first-child .bars")[0]
    tab.mouse.move(bar["left"] + 3, bar["bottom"] - 2)
    text = tab.locator("#tip").inner_text()
    assert f"feature {row.feature} at {row.strengths[0]}% of its maximum" in text
    assert f"lasts {row.dwell:.1f} tokens" in text
    assert tab.locator(".panel:first-child text.lit").count() > 1
    assert tab.locator("#prose span[style*='color-mix']").count() == len(row.steps)


def test_the_keyboard_moves_through_the_score(tab, page_data):
    tab.locator("input[name=shown]:checked").focus()
    tab.keyboard.press("Tab")
    tip = tab.locator("#tip")
    row = page_data.score[0].panels[0].rows[0]
    assert f"feature {row.feature} at" in tip.inner_text()
    tab.keyboard.press("ArrowDown")
    below = page_data.score[0].panels[0].rows[1]
    assert f"feature {below.feature} " in tip.inner_text()
    tab.keyboard.press("End")
    assert page_data.score[0].words[-1] in tip.inner_text()
    tab.keyboard.press("Enter")
    assert tab.locator(".label.pinned").count() == 1
    tab.keyboard.press("Escape")
    assert tab.locator(".label.pinned").count() == 0 and not tip.is_visible()


def test_a_pinned_row_keeps_its_words(tab, page_data):
    tab.locator(".label").first.click()
    tab.mouse.move(5, 5)
    steps = page_data.score[0].panels[0].rows[0].steps
    assert tab.locator("#prose span[style*='color-mix']").count() == len(steps)


def test_dark_and_light_have_readable_ink(tab):
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        for selector in ("h1", ".label .words", ".facts", ".label .dwell", ".colophon p"):
            assert tab.evaluate(CONTRAST, selector) >= 3.0, (scheme, selector)
        assert tab.evaluate(CONTRAST, "blockquote p") >= 7.0


def test_it_prints(tab):
    tab.set_viewport_size({"width": 1032, "height": 700})  # A4 across, less its margins
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    roll, score = boxes(tab, ".panel:first-child .roll, .panel:first-child svg")
    assert score["right"] <= roll["right"]
    assert tab.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_hostile_corpus_stays_text(browser, hostile_page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render(hostile_page), "utf-8")
    page = browser.new_page()
    said = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    assert page.locator(".panel").count() == 2
    assert page.locator("#prose span").first.inner_text() == "<"
    assert said == []
    page.close()
