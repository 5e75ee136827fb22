"""A claim's figures as a picture: a panel a measure, a row for who was measured, a dot a seed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

SPLIT = re.compile(r" (?:of|in|for) |(?= (?:at|with|by|after) )")
COLUMNS, GAP, LABEL, PLOT, ROW, HEAD, FOOT = 2, 28, 158, 176, 19, 26, 24
WIDTH = COLUMNS * (LABEL + PLOT) + (COLUMNS - 1) * GAP + 10  # the last tick's number

Panel = tuple[str, dict[str, Sequence[float]]]


def dots(figures: Mapping[str, Sequence[float]], alt: str) -> str:
    """An SVG in the colours of the page around it, without blank lines, as Markdown wants it."""
    parts, ends = [], [0.0] * COLUMNS
    for panel in panels(figures):
        column = ends.index(min(ends))
        parts.append(_panel(*panel, column * (LABEL + PLOT + GAP), ends[column]))
        ends[column] += HEAD + ROW * len(panel[1]) + FOOT
    inside = "\n".join(parts)
    return (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH} {max(ends):.0f}" '
        f'style="width:100%;max-width:{WIDTH}px;font-size:12px">\n{inside}\n</svg>'
    )


def panels(figures: Mapping[str, Sequence[float]]) -> list[Panel]:
    """`"L0 of TopK"` and `"L0, T-SAE"` are rows of the panel L0; what stands alone has one row."""
    found: dict[str, dict[str, str]] = {}
    for name in figures:
        measure, measured = _cut(name, figures)
        found.setdefault(measure, {})[measured] = name
    return [
        (measure, {measured: figures[name] for measured, name in rows.items()})
        if len(rows) > 1
        else (name, {"": figures[name]})
        for measure, rows in found.items()
        for name in [next(iter(rows.values()))]
    ]


def _cut(name: str, every: Iterable[str]) -> tuple[str, str]:
    """The measure, and who was measured: behind the comma, unless several are `of` the same."""
    measure, _, rest = name.partition(" of ")
    where = rest.partition(", ")[1:]
    rivals = [other for other in every if other.startswith(measure + " of ")]
    if all(where) and sum(other.endswith("".join(where)) for other in rivals) > 1:
        return measure, rest
    measure, comma, measured = name.partition(", ")
    if comma:
        return measure, measured
    parts = SPLIT.split(name, maxsplit=1)
    return parts[0].strip(), parts[1].strip() if len(parts) == 2 else ""


def ticks(low: float, high: float) -> list[float]:
    """Round numbers, two steps of them or more, that hold both ends between them."""
    if high <= low:
        low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
    rough = (high - low) / 2
    scale = 10 ** math.floor(math.log10(rough))
    step = scale * max(size for size in (1, 2, 5) if size * scale <= rough * (1 + 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _panel(measure: str, rows: Mapping[str, Sequence[float]], x: float, y: float) -> str:
    every = [value for values in rows.values() for value in values if math.isfinite(value)]
    low, high = min(every, default=0.0), max(every, default=1.0)
    if 0 < low < high / 2:
        low = 0.0  # where zero is near, the eye should see how far away it is
    marks = ticks(low, high)
    bottom = y + HEAD + ROW * len(rows)

    def at(value: float) -> float:
        return x + LABEL + 6 + (PLOT - 12) * (value - marks[0]) / (marks[-1] - marks[0])

    lines = [f'<text x="{x}" y="{y + 17}" font-weight="600" fill="currentColor">'
             f"{escape(measure)}</text>"]  # fmt: skip
    lines += [
        f'<line x1="{at(mark):.1f}" x2="{at(mark):.1f}" y1="{y + HEAD}" y2="{bottom}" '
        'stroke="currentColor" stroke-opacity=".15"/>'
        for mark in marks
    ]
    decimals = max(0, -math.floor(math.log10(min(b - a for a, b in pairwise(marks))) + 1e-9))
    lines += [
        f'<text x="{at(mark):.1f}" y="{bottom + 13}" text-anchor="middle" font-size="10" '
        f'fill="currentColor" fill-opacity=".7">{mark:.{decimals}f}</text>'
        for mark in (marks if len(marks) <= 5 else marks[::2])
    ]
    for number, (name, values) in enumerate(rows.items()):
        middle = y + HEAD + ROW * (number + 0.5)
        lines.append(
            f'<text x="{x + LABEL - 6}" y="{middle + 4}" text-anchor="end" '
            f'fill="currentColor">{escape(name)}</text>'
        )
        known = [value for value in values if math.isfinite(value)]
        if known:
            mean = at(sum(known) / len(known))
            lines.append(
                f'<line x1="{mean:.1f}" x2="{mean:.1f}" y1="{middle - 7}" y2="{middle + 7}" '
                'stroke="currentColor" stroke-width="2"/>'
            )
        lines += [
            f'<circle cx="{at(value):.1f}" cy="{middle}" r="4" '
            'fill="var(--md-accent-fg-color)" fill-opacity=".7"/>'
            for value in known
        ]
    return "\n".join(lines)
