"""Charts and the picture: round ticks, paths where they belong, well-formed SVG."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sparsetime.explorer.records import Curve
from sparsetime.reports.page_schema import Chart
from sparsetime.reports.svg import tick_text, ticks
from sparsetime.reports.svg_charts import chart_svg


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
