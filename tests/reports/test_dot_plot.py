"""Dot plot of values by seed: panels by metric, rows, dots and ticks."""

import pytest

from sparsetime.reports.dot_plot import dot_plot, panels
from sparsetime.reports.svg import ticks_around


def test_there_is_a_panel_for_each_metric_and_a_dot_for_each_seed():
    values = {
        "FVU of TopK": [0.2, 0.3, 0.25],
        "FVU of T-SAE": [0.4, 0.2, 0.3],
        "parent in child, slow <1>": [1.0, 1.0, 1.0],
        "parent in child, fast": [1.0],
        "flicker at 0.1": [0.5, float("nan"), 0.4],
        "flicker at 0.3": [0.3],
        "alone": [7.0],
        "L0 of TopK, on code": [1.0],
        "L0 of T-SAE, on code": [1.0],
        "likeness of neighbours, T-SAE": [1.0],
    }
    assert [(name, list(rows)) for name, rows in panels(values)] == [
        ("FVU", ["TopK", "T-SAE"]),
        ("parent in child", ["slow <1>", "fast"]),
        ("flicker", ["at 0.1", "at 0.3"]),
        ("alone", [""]),
        ("L0", ["TopK, on code", "T-SAE, on code"]),  # on one axis, for they are to be compared
        ("likeness of neighbours, T-SAE", [""]),
    ]
    svg = dot_plot(values, "what was found")
    assert svg.count("<circle") == 3 + 3 + 3 + 2 + 6  # the one that is no number has no dot
    assert "slow &lt;1&gt;" in svg and "slow <1>" not in svg
    assert "\n\n" not in svg  # Markdown would end the picture there


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0, 0.5, 1]),
        (0.185, 0.2, [0.185, 0.19, 0.195, 0.2]),
        (-0.1, 0.3, [-0.2, 0, 0.2, 0.4]),
    ],
)
def test_ticks_are_round_and_hold_what_they_mark(low, high, expected):
    assert ticks_around(low, high) == pytest.approx(expected)


def test_ticks_of_a_single_value_hold_it():
    for value in (0.0, 2.0, -3.5):
        first, *_, last = ticks_around(value, value)
        assert first < value < last
