"""Charts and the picture: round ticks, paths where they belong, well-formed SVG."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sparsetime.explorer.report_schema import Chart, Curve
from sparsetime.reports.svg_charts import chart_svg, tick_text, ticks
from sparsetime.reports.timeline_svg import runs, score_svg, spread, written_words


def chart(x, y, **other):
    curve = Curve(label="a", hue="plain", x=x, y=y)
    return Chart(title="T", caption="", x_label="x", y_label="y", curves=[curve], **other)


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 10, False, [0, 2.5, 5, 7.5, 10]),
        (0, 1, False, [0, 0.25, 0.5, 0.75, 1]),
        (1, 1000, True, [1, 10, 100, 1000]),
        (1, 6, True, [1, 2, 5]),
        (3, 3, False, [3]),
    ],
)
def test_ticks_are_round(low, high, log, expected):
    assert ticks(low, high, log) == pytest.approx(expected)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_ticks_lie_inside(a, b, log):
    low, high = sorted((a, b))
    assume(high > low * 1.01)
    for tick in ticks(low, high, log):
        assert low * 0.99 - 1e-6 * high <= tick <= high * 1.01


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_500_000, "1.5M"), (20_000, "20k"), (0.01, "0.01"), (0, "0"), (1e-5, "1e-5")],
)
def test_tick_text(value, text):
    assert tick_text(value) == text


def test_a_chart_is_well_formed_and_escapes_its_text():
    svg = chart_svg(chart([1, 2], [3, 4]).model_copy(update={"x_label": "<b>"}))
    assert ElementTree.fromstring(svg).tag == "svg"
    assert "&lt;b&gt;" in svg


def test_a_histogram_begins_and_ends_on_the_floor():
    svg = chart_svg(chart([0, 1, 2], [5, 3], steps=True))
    path = ElementTree.fromstring(svg).findall("path")[-1].get("d")
    assert path.startswith("M52.0 210.0") and path.endswith("V210.0")


def test_both_axes_are_named():
    texts = [each.text for each in ElementTree.fromstring(chart_svg(chart([1, 2], [3, 4])))]
    assert texts[0] == "y" and texts[-1] == "x"


def test_axes_reach_further_than_the_curves():
    svg = chart_svg(chart([1, 2], [3, 4], reach=[(0, 8), (4, 0)]))
    line = ElementTree.fromstring(svg).find("path[@class='curve plain']").get("d")
    assert line == "M145.5 142.5L239.0 120.0"  # a quarter and a half across, 3 and 4 of 8 up


def test_things_that_are_counted_have_their_names_on_the_axis():
    few = chart_svg(chart([1, 2], [3, 4], x_names=["<a>", "b"]))
    assert "&lt;a&gt;</text>" in few and ">1.25<" not in few
    many = ElementTree.fromstring(chart_svg(chart([1, 5], [3, 4], x_names=list("abcde"))))
    rows = [each.get("y") for each in many.findall("text") if each.text in list("abcde")]
    assert rows == ["227", "242", "227", "242", "227"]


def test_dots_mark_the_points_that_can_be_drawn():
    dotted = chart_svg(chart([1, 2, 3], [1.0, float("nan"), 2.0], dots=True))
    assert dotted.count("<circle") == 2
    assert "<circle" not in chart_svg(chart([1, 2], [1.0, 2.0]))


def test_a_chart_of_nothing_says_so():
    assert "Nothing was recorded" in chart_svg(chart([], []))


def test_values_that_cannot_be_drawn_are_passed_over():
    svg = chart_svg(chart([1, 2, 3], [float("nan"), 1.0, 0.0], y_log=True))
    assert "nan" not in svg and ElementTree.fromstring(svg).tag == "svg"


def test_the_picture_is_a_small_document_that_stands_alone(page_data):
    svg = score_svg(page_data.score[0], "temporal")
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(svg) < 200_000 and "prefers-color-scheme" in svg
    assert svg.count("http") == 1  # the name of the format


def test_the_picture_escapes_words(hostile_page):
    svg = score_svg(hostile_page.score[0], "temporal").replace("\0", "")
    assert ElementTree.fromstring(svg).find(".//{*}script") is None


def test_runs_are_stretches_of_neighbouring_steps():
    assert list(runs([0, 1, 2, 5, 7, 8])) == [(0, 3), (5, 6), (7, 9)]
    assert list(runs([])) == []


def test_pieces_of_a_word_are_written_as_one():
    words = ["__", "init", "__", "(", ")", "is", "called", "."]
    gaps = ["", "", "", "", "", " ", " ", ""]
    assert written_words(words, gaps) == [("init", 1, 2), ("is", 5, 6), ("called", 6, 7)]
    assert written_words(["token", "izer"], [" ", ""]) == [("tokenizer", 0, 2)]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_spread_keeps_order_distance_and_bounds(wanted):
    limit = 30 * 4.0 + 100
    placed = spread(sorted(wanted), 4.0, limit)
    assert all(b - a >= 4.0 - 1e-6 for a, b in pairwise(placed))
    assert placed[0] >= 0 and placed[-1] <= limit + 1e-6


def test_spread_moves_nothing_that_has_room():
    assert spread([0, 10, 20], 5, 100) == [0, 10, 20]
    assert spread([10, 10], 4, 100) == [8, 12]
