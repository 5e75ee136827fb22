"""Charts of lines and histogram outlines as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from sparsetime.explorer.records import Curve
from sparsetime.reports.page_schema import Chart
from sparsetime.reports.svg import Axis, axis, element, text, tick_text, ticks

WIDTH, HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 30, 40
_NAMES_IN_A_ROW = 4  # more alternate between two rows


def chart_svg(chart: Chart) -> str:
    """The chart as an `<svg>` element. Hues and fonts come from classes of the page."""
    xs = [x for curve in chart.curves for x in curve.x if _drawable(x, chart.x_log)]
    ys = [y for curve in chart.curves for y in curve.y if _drawable(y, chart.y_log)]
    if not xs or not ys:
        return '<p class="nothing">Nothing was recorded.</p>'
    xs += [x for x, _ in chart.reach if _drawable(x, chart.x_log)]
    ys += [y for _, y in chart.reach if _drawable(y, chart.y_log)]
    low, high = min(ys) if chart.y_log else 0.0, max(ys)
    y_ticks = ticks(low, high, chart.y_log)
    x_of = axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT, chart.x_log)
    y_of = axis(low, max(high, y_ticks[-1]), HEIGHT - _BOTTOM, _TOP, chart.y_log)
    drawn = [
        text(chart.y_label, 0, 13, class_="axis"),
        *(_y_mark(tick, y_of(tick)) for tick in y_ticks),
        *_x_marks(chart, xs, x_of),
    ]
    for curve in chart.curves:
        path = _steps(curve, x_of, y_of, low) if chart.steps else _line(curve, chart, x_of, y_of)
        filled = " filled" if chart.steps else ""
        drawn.append(element("path", class_=f"curve {curve.hue}{filled}", d=path))
        if chart.dots:
            drawn += [
                element("circle", class_=f"dot {curve.hue}", cx=x_of(x), cy=y_of(y), r="2.6")
                for x, y in _points(curve, chart)
            ]
    middle = (WIDTH + _LEFT - _RIGHT) / 2
    drawn.append(text(chart.x_label, middle, HEIGHT - 6, class_="axis", text_anchor="middle"))
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)}">{"".join(drawn)}</svg>'
    )


def _y_mark(tick: float, y: float) -> str:
    label = text(tick_text(tick), _LEFT - 7, y + 3.5, class_="tick", text_anchor="end")
    return element("path", class_="grid", d=f"M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}") + label


def _x_marks(chart: Chart, xs: Sequence[float], x_of: Axis) -> list[str]:
    """Ticks of the horizontal axis: names where x counts things, round numbers elsewhere."""
    floor = HEIGHT - _BOTTOM
    if chart.x_names:
        labels = [(float(number), name) for number, name in enumerate(chart.x_names, 1)]
    else:
        labels = [(tick, tick_text(tick)) for tick in ticks(min(xs), max(xs), chart.x_log)]
    rows = 2 if len(chart.x_names) > _NAMES_IN_A_ROW else 1
    return [
        text(label, x_of(x), floor + 17 + 15 * (number % rows), class_="tick", text_anchor="middle")
        + element("path", class_="mark", d=f"M{x_of(x):.1f} {floor}v4")
        for number, (x, label) in enumerate(labels)
    ]


def _drawable(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _line(curve: Curve, chart: Chart, x_of: Axis, y_of: Axis) -> str:
    points = _points(curve, chart)
    return "M" + "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in points) if points else ""


def _points(curve: Curve, chart: Chart) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in zip(curve.x, curve.y, strict=True)
        if _drawable(x, chart.x_log) and _drawable(y, chart.y_log)
    ]


def _steps(curve: Curve, x_of: Axis, y_of: Axis, low: float) -> str:
    heights: Sequence[float] = curve.y
    path = f"M{x_of(curve.x[0]):.1f} {y_of(low):.1f}"
    for edge, height in zip(curve.x[1:], heights, strict=True):
        path += f"V{y_of(max(height, low)):.1f}H{x_of(edge):.1f}"
    return path + f"V{y_of(low):.1f}"
