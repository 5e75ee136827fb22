"""The explorer in a real browser: every view opened, used by mouse and keys, silent throughout."""

from __future__ import annotations

import json
import re
import time
import urllib.request

import pytest
from browsing import CONTRAST, watched_page
from small_run import add_dictionary, prose, write_store

import sparsetime

KEYS = ("temporal_matryoshka", "batch_topk")
VIEWS = (
    "/",
    "/timeline",
    "/timeline?s=1&group=together",
    "/live",
    "/features?in=moments&words=river",
    f"/timeline?d={','.join(KEYS)}&s=1",
    "/features",
    "/features/batch_topk/3",
    "/compare",
    "/compare?show=split",
    "/compare?show=only",
    "/evaluation",
    "/labels",
    "/api/docs",
)
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> \u202e \x00 \ufeff e\u0301 "


@pytest.fixture(scope="module")
def explorer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(
        folder / "activations", [HOSTILE + prose(0, 60), *(prose(n, 40) for n in (1, 2, 3))]
    )
    for name in KEYS:
        sae = add_dictionary(folder, store, name)
        sparsetime.evaluate(sae, store, ["fvu", "l0"], out=folder / name, progress=False)
    explorer = sparsetime.explore(folder, browser=False)
    yield explorer
    explorer.stop()


@pytest.fixture
def tab(browser, explorer):
    """A page of the explorer; it may say nothing bad and ask nobody else."""
    with watched_page(browser, (explorer.url, "data:", "blob:")) as page:
        yield page


def visit(tab, explorer, path):
    tab.goto(explorer.url.rstrip("/") + path)
    tab.wait_for_selector(".view[data-ready]")


def until(tab, condition, seconds=10):
    """Wait for a condition in the page; its own security policy forbids Playwright's way."""
    end = time.monotonic() + seconds
    while not tab.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}, at {tab.url}"
        time.sleep(0.03)


def inked(tab, selector="canvas.timeline"):
    """How many pixels of a canvas are not empty."""
    return tab.eval_on_selector(
        selector,
        """c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                  let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }""",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", VIEWS)
def test_every_view_opens_and_fits(tab, explorer, path, scheme):
    tab.emulate_media(color_scheme=scheme)
    visit(tab, explorer, path)
    assert tab.locator("h1").first.inner_text()
    for width in (1280, 3840):
        tab.set_viewport_size({"width": width, "height": 1000})
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for selector in ("h1", "#foot", ".lead", ".count"):
        if tab.locator(selector).count():
            assert tab.evaluate(CONTRAST, selector) >= 3.0, selector


def test_the_overview_shows_both_dictionaries_and_their_training(tab, explorer):
    visit(tab, explorer, "/")
    assert tab.locator(".dictionary h2").all_inner_texts() == [
        "Temporal SAE (T-SAE)",
        "BatchTopK SAE",
    ]
    tab.wait_for_selector(".plot .scatterlayer .trace")
    assert tab.locator(".plot .scatterlayer .trace").count() == 2
    tab.wait_for_timeout(100)
    assert inked(tab, "canvas.thumbnail") > 500


def test_a_brush_filters_the_list_and_stays_in_the_address(tab, explorer):
    visit(tab, explorer, "/features?dictionary=batch_topk")
    before = tab.locator(".controls .count").inner_text()
    box = tab.locator(".histogram").nth(1).bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 30, steps=4)
    tab.mouse.up()
    until(tab, "location.search.includes('dwell=')")
    until(tab, f"document.querySelector('.controls .count').textContent !== {before!r}")
    after = tab.locator(".controls .count").inner_text()
    tab.reload()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.locator(".controls .count").inner_text() == after
    assert tab.locator(".range").nth(1).inner_text()


def test_search_narrows_the_list(tab, explorer):
    visit(tab, explorer, "/features")
    tab.keyboard.press("/")
    tab.keyboard.type("river")
    until(tab, "location.search.includes('words=river')")
    until(tab, "/ of /.test(document.querySelector('.controls .count').textContent)")
    assert all("river" in name for name in tab.locator(".line .name").all_inner_texts())
    tab.locator("input[type=search]").fill("zzzz")
    tab.get_by_text("No feature fits").wait_for()


def test_the_score_zooms_pans_and_pins(tab, explorer):
    visit(tab, explorer, "/timeline?s=1&from=0&to=60")
    tab.wait_for_timeout(300)
    assert inked(tab) > 5000
    roll = tab.locator("canvas.timeline")
    box = roll.bounding_box()
    tab.mouse.move(box["x"] + 700, box["y"] + 200)
    tab.mouse.wheel(0, 300)
    until(tab, "Number(new URLSearchParams(location.search).get('to')) > 70")
    wide = _range(tab)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 400, box["y"] + 200, steps=4)
    tab.mouse.up()
    until(tab, f"new URLSearchParams(location.search).get('from') !== '{wide[0]}'")
    _settle(tab)
    moved = _range(tab)
    assert moved[0] > wide[0] and moved[1] - moved[0] == pytest.approx(wide[1] - wide[0], abs=2)
    tab.mouse.click(box["x"] + 120, box["y"] + 96 + 8)
    until(tab, "location.search.includes('pins=temporal_matryoshka:')")
    assert tab.locator(".passage-text span[style*='color-mix']").count() > 0
    kept = tab.url
    tab.reload()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.url == kept and _range(tab) == moved


def _settle(tab):
    """Wait until the address no longer changes: it follows the view while a drag pauses, too."""
    before = None
    while tab.url != before:
        before = tab.url
        tab.wait_for_timeout(1000)


def _range(tab):
    found = re.search(r"from=(\d+)&to=(\d+)", tab.url)
    return int(found[1]), int(found[2])


def test_the_score_by_keyboard(tab, explorer):
    visit(tab, explorer, "/timeline?s=1&from=0&to=60")
    tab.locator("canvas.timeline").focus()
    tab.keyboard.press("ArrowDown")
    assert "mean dwell" in tab.locator("#tip").inner_text()
    tab.keyboard.press("Shift+ArrowRight")
    tab.wait_for_selector(".selection .line")
    assert "span=" in tab.url
    tab.keyboard.press("+")
    until(tab, "Number(new URLSearchParams(location.search).get('to')) < 60")
    tab.keyboard.press("0")
    until(tab, "Number(new URLSearchParams(location.search).get('to')) === 280")
    tab.keyboard.press("Escape")
    assert tab.locator("#tip").is_hidden() and tab.locator("section.selection").is_hidden()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Space")
    until(tab, "location.pathname.startsWith('/features/temporal_matryoshka/')")


def test_a_word_under_the_cursor_stays_in_its_line(tab, explorer):
    visit(tab, explorer, "/timeline?s=1&from=0&to=60")
    before = tab.locator(".passage-text").bounding_box()
    box = tab.locator("canvas.timeline").bounding_box()
    tab.mouse.move(box["x"] + 500, box["y"] + 120)
    under = tab.wait_for_selector(".passage-text span.under")
    assert under.evaluate("span => getComputedStyle(span).display") == "inline"
    assert tab.locator(".passage-text").bounding_box() == before
    note = tab.locator(".passage .count")
    assert re.search(r"shaded where feature \d+ is active", note.inner_text())
    tab.mouse.move(box["x"] + 500, box["y"] - 40)
    until(tab, "/point at a row/.test(document.querySelector('.passage .count').textContent)")


def test_words_that_are_picked_have_their_own_features(tab, explorer):
    visit(tab, explorer, "/timeline?s=1&from=0&to=60")
    box = tab.locator("canvas.timeline").bounding_box()
    tab.mouse.move(box["x"] + 500, box["y"] + 60)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 640, box["y"] + 60, steps=3)
    tab.mouse.up()
    tab.wait_for_selector(".selection .line")
    a, b = map(int, re.search(r"span=(\d+)-(\d+)", tab.url).groups())
    with urllib.request.urlopen(
        f"{explorer.url}api/dictionaries/{KEYS[0]}/sequences/1/specific?first={a}&stop={b}"
    ) as answer:
        expected = [str(each["feature"]) for each in json.load(answer)]
    assert tab.locator(".selection .id").all_inner_texts() == expected


def test_rows_are_sorted_and_dictionaries_stacked(tab, explorer):
    visit(tab, explorer, "/timeline?s=2")
    for name in ("first entry", "activation", "co-activation"):
        tab.get_by_text(name, exact=True).click()
    assert "sort=coactivation" in tab.url
    tab.get_by_label("Stacked dictionary").select_option(label="over BatchTopK SAE")
    until(tab, "document.querySelectorAll('canvas.timeline').length === 2")
    assert "d=temporal_matryoshka,batch_topk" in tab.url
    tab.get_by_label("Stacked dictionary").select_option(label="alone")
    until(tab, "document.querySelectorAll('canvas.timeline').length === 1")


def test_parts_are_called_what_the_dictionary_calls_them(tab, explorer):
    visit(tab, explorer, "/timeline?d=temporal_matryoshka&s=1")
    legend = tab.locator(".legend li").all_inner_texts()
    assert legend[:2] == ["high", "low"]
    visit(tab, explorer, "/features?dictionary=temporal_matryoshka&part=rest")
    assert tab.locator('.choices[aria-label="part"] span').all_inner_texts() == [
        "both parts",
        "high",
        "low",
    ]
    assert tab.locator(".line").count() == tab.locator(".line.low").count() > 0
    tab.locator(".line").first.click()
    tab.wait_for_selector(".crumb")
    assert tab.locator(".crumb").inner_text().endswith(" · low")


def test_another_sequence_is_found(tab, explorer):
    visit(tab, explorer, "/timeline?s=1")
    tab.get_by_label("Find a document").fill("text 3")
    tab.wait_for_selector(".found button")
    tab.keyboard.press("Enter")
    until(tab, "location.search.includes('s=3')")
    until(tab, "document.querySelector('h1')?.textContent === 'text 3'")


def test_a_feature_is_named_and_found_among_the_labels(tab, explorer):
    visit(tab, explorer, "/features/batch_topk/7")
    tab.wait_for_selector(".related")
    tab.keyboard.press("n")
    tab.keyboard.type("<i>old towns</i>")
    tab.keyboard.press("Enter")
    until(tab, "document.querySelector('.naming output')?.textContent === 'kept'")
    tab.keyboard.press("Escape")
    tab.locator("#bar nav a", has_text="Labels").click()
    tab.wait_for_selector(".view[data-ready] .line")
    assert tab.locator(".line .name").all_inner_texts() == ["<i>old towns</i>"]
    tab.go_back()
    tab.wait_for_selector(".naming input")
    assert tab.locator(".naming input").input_value() == "<i>old towns</i>"


def test_a_feature_says_that_there_is_no_history(tab, explorer):
    visit(tab, explorer, "/features/batch_topk/7")
    assert "Train with snapshots=6" in tab.locator(".history").inner_text()


def test_the_first_picture_gives_way_to_the_run(tab, explorer):
    held = []
    tab.route("**/api/run", lambda route: held.append(route))
    tab.goto(explorer.url)
    tab.get_by_text("Opening the run").wait_for()
    until(tab, "document.querySelectorAll('canvas.thumbnail').length === 2")
    tab.wait_for_timeout(100)
    assert inked(tab, "canvas.thumbnail") > 500
    held[0].continue_()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.locator("canvas.thumbnail").count() == 2
    assert tab.get_by_text("Opening the run").count() == 0


def test_a_view_that_has_to_wait_says_so(tab, explorer):
    held = []
    tab.route("**/api/run", lambda route: held.append(route))
    with tab.expect_request("**/api/run"):
        tab.goto(f"{explorer.url}features/batch_topk/7")
    tab.get_by_text("Opening the run").wait_for()
    while not held:
        tab.wait_for_timeout(20)
    held[0].continue_()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.get_by_text("Opening the run").count() == 0


def test_a_wrong_address_leads_somewhere(browser, explorer):
    # The browser itself writes a 404 to the console.
    with watched_page(browser, allowed=("Failed to load resource",)) as page:
        page.goto(f"{explorer.url}features/7")
        page.get_by_text("There is no such page").wait_for()
        page.locator("#bar").get_by_text("Timeline").click()
        page.wait_for_selector(".view[data-ready] canvas")


def test_a_comparison_says_that_it_is_being_made(tab, explorer):
    held = []
    tab.route("**/api/compare*", lambda route: held.append(route))
    tab.goto(f"{explorer.url}compare")
    tab.get_by_text("Matching every atom").wait_for()
    held[0].continue_()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.get_by_text("Matching every atom").count() == 0


def test_a_moment_leads_to_its_place_in_the_score(tab, explorer):
    visit(tab, explorer, "/features/batch_topk/7")
    tab.locator("blockquote footer a").first.click()
    until(tab, "location.pathname === '/timeline' && location.search.includes('pins=batch_topk:7')")


def test_a_hostile_corpus_stays_text(tab, explorer):
    visit(tab, explorer, "/timeline?s=0&from=0&to=30")
    tab.wait_for_selector(".passage-text span")
    assert (
        tab.locator(".passage-text").inner_text().startswith("<script>alert(1)</script> <img src=x")
    )
    assert tab.locator("main script, main img").count() == 0


def test_light_and_dark_are_kept(tab, explorer):
    visit(tab, explorer, "/labels")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = tab.evaluate(paper)
    tab.keyboard.press("d")
    dark = tab.evaluate(paper)
    assert dark != light
    tab.reload()
    tab.wait_for_selector(".view[data-ready]")
    assert tab.evaluate(paper) == dark


def test_what_is_not_there_is_said(browser, explorer):
    # The browser itself writes a 404 to the console.
    with watched_page(browser, allowed=("Failed to load resource",)) as page:
        visit(page, explorer, "/features/batch_topk/960")
        assert page.locator(".empty").inner_text().startswith("This cannot be shown")
        assert "feature 960 does not exist: batch_topk has" in page.locator(".empty").inner_text()
