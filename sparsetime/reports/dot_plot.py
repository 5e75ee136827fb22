"""Dot plot as SVG: a panel for each metric, a row for each thing measured, a dot for each seed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from sparsetime.reports.svg import axis, element, text, ticks_around

_SPLIT = re.compile(r" (?:of|in|for) |(?= (?:at|with|by|after) )")
_COLUMNS, _GAP, _LABEL, _PLOT, _ROW, _HEAD, _FOOT = 2, 28, 158, 176, 19, 26, 24
_WIDTH = _COLUMNS * (_LABEL + _PLOT) + (_COLUMNS - 1) * _GAP + 10  # for the last tick's number

Panel = tuple[str, dict[str, Sequence[float]]]


def dot_plot(values: Mapping[str, Sequence[float]], alt: str) -> str:
    """Values by seed, as one SVG in the colours of the page around it.

    values: by name; `panels` says how names share a panel. It has no blank lines, which would end
    the picture in Markdown. Values that are not finite have no dot. A line marks each mean.
    """
    drawn, ends = [], [0.0] * _COLUMNS
    for title, rows in panels(values):
        column = ends.index(min(ends))
        drawn += _panel(title, rows, column * (_LABEL + _PLOT + _GAP), ends[column])
        ends[column] += _HEAD + _ROW * len(rows) + _FOOT
    inside = "\n".join(drawn)
    return (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {_WIDTH} {max(ends):.0f}" '
        f'style="width:100%;max-width:{_WIDTH}px;font-size:12px">\n{inside}\n</svg>'
    )


def panels(values: Mapping[str, Sequence[float]]) -> list[Panel]:
    """`"L0 of TopK"` and `"L0, T-SAE"` are rows of the panel L0; any other name has one row."""
    names: dict[str, dict[str, str]] = {}
    for name in values:
        metric, label = _split_name(name, values)
        names.setdefault(metric, {})[label] = name
    return [
        (metric, {label: values[name] for label, name in rows.items()})
        if len(rows) > 1
        else (name, {"": values[name]})
        for metric, rows in names.items()
        for name in [next(iter(rows.values()))]
    ]


def _split_name(name: str, names: Iterable[str]) -> tuple[str, str]:
    """Metric and row: split at the comma, unless several names are `of` the same metric."""
    metric, _, rest = name.partition(" of ")
    where = rest.partition(", ")[1:]
    rivals = [other for other in names if other.startswith(metric + " of ")]
    if all(where) and sum(other.endswith("".join(where)) for other in rivals) > 1:
        return metric, rest
    metric, comma, label = name.partition(", ")
    if comma:
        return metric, label
    parts = _SPLIT.split(name, maxsplit=1)
    return parts[0].strip(), parts[1].strip() if len(parts) == 2 else ""


def _panel(title: str, rows: Mapping[str, Sequence[float]], x: float, y: float) -> list[str]:
    finite = {name: [v for v in values if math.isfinite(v)] for name, values in rows.items()}
    all_values = [value for values in finite.values() for value in values]
    low, high = min(all_values, default=0.0), max(all_values, default=1.0)
    if 0 < low < high / 2:
        low = 0.0  # with zero near, lengths from it should be comparable
    marks = ticks_around(low, high)
    x_of = axis(marks[0], marks[-1], x + _LABEL + 6, x + _LABEL + _PLOT - 6)
    bottom = y + _HEAD + _ROW * len(rows)
    drawn = [text(title, x, y + 17, font_weight=600, fill="currentColor")]
    drawn += [_vertical(x_of(mark), y + _HEAD, bottom, stroke_opacity=".15") for mark in marks]
    decimals = max(0, -math.floor(math.log10(min(b - a for a, b in pairwise(marks))) + 1e-9))
    drawn += [
        _tick(f"{mark:.{decimals}f}", x_of(mark), bottom + 13)
        for mark in (marks if len(marks) <= 5 else marks[::2])
    ]
    for number, (name, values) in enumerate(finite.items()):
        middle = y + _HEAD + _ROW * (number + 0.5)
        at = x + _LABEL - 6
        drawn.append(text(name, at, middle + 4, text_anchor="end", fill="currentColor"))
        if values:
            mean = x_of(sum(values) / len(values))
            drawn.append(_vertical(mean, middle - 7, middle + 7, stroke_width=2))
        drawn += [_dot(x_of(value), middle) for value in values]
    return drawn


def _tick(label: str, x: float, y: float) -> str:
    colours = {"fill": "currentColor", "fill_opacity": ".7"}
    return text(label, x, y, text_anchor="middle", font_size=10, **colours)


def _vertical(x: float, y1: float, y2: float, **attributes: str | float) -> str:
    return element("line", x1=x, x2=x, y1=y1, y2=y2, stroke="currentColor", **attributes)


def _dot(x: float, y: float) -> str:
    fill = "var(--md-accent-fg-color)"
    return element("circle", cx=x, cy=y, r=4, fill=fill, fill_opacity=".7")
