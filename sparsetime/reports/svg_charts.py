"""Small charts as inline SVG: lines and histogram outlines, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from sparsetime.explorer.records import Curve
from sparsetime.reports.page_schema import Chart

WIDTH, HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 30, 40
_NAMES_IN_A_ROW = 4  # more stand in two rows, by turns

Place = Callable[[float], float]


def chart_svg(chart: Chart) -> str:
    """The chart as an `<svg>` element. Hues and fonts come from classes of the page."""
    xs = [x for curve in chart.curves for x in curve.x if _drawable(x, chart.x_log)]
    ys = [y for curve in chart.curves for y in curve.y if _drawable(y, chart.y_log)]
    if not xs or not ys:
        return '<p class="nothing">Nothing was recorded.</p>'
    xs += [x for x, _ in chart.reach if _drawable(x, chart.x_log)]
    ys += [y for _, y in chart.reach if _drawable(y, chart.y_log)]
    y_ticks = ticks(0 if not chart.y_log else min(ys), max(ys), chart.y_log)
    x_of = _axis(min(xs), max(xs), chart.x_log, _LEFT, WIDTH - _RIGHT)
    low, high = (0.0, max(ys)) if not chart.y_log else (min(ys), max(ys))
    y_of = _axis(low, max(high, y_ticks[-1]), chart.y_log, HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)}">',
        f'<text class="axis" x="0" y="13">{escape(chart.y_label)}</text>',
    ]
    for tick in y_ticks:
        y = y_of(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{y + 3.5:.1f}" text-anchor="end">'
            f"{tick_text(tick)}</text>"
        )
    for number, (tick, text) in enumerate(_x_ticks(chart, xs)):
        row = number % 2 if len(chart.x_names) > _NAMES_IN_A_ROW else 0
        parts.append(
            f'<text class="tick" x="{x_of(tick):.1f}" y="{HEIGHT - _BOTTOM + 17 + 15 * row}" '
            f'text-anchor="middle">{escape(text)}</text>'
        )
        parts.append(f'<path class="mark" d="M{x_of(tick):.1f} {HEIGHT - _BOTTOM}v4"/>')
    for curve in chart.curves:
        path = _steps(curve, x_of, y_of, low) if chart.steps else _line(curve, chart, x_of, y_of)
        filled = " filled" if chart.steps else ""
        parts.append(f'<path class="curve {escape(curve.hue)}{filled}" d="{path}"/>')
        if chart.dots:
            parts.extend(
                f'<circle class="dot {escape(curve.hue)}" cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" '
                f'r="2.6"/>'
                for x, y in _points(curve, chart)
            )
    parts.append(
        f'<text class="axis" x="{(WIDTH + _LEFT - _RIGHT) / 2}" y="{HEIGHT - 6}" '
        f'text-anchor="middle">{escape(chart.x_label)}</text></svg>'
    )
    return "".join(parts)


def ticks(low: float, high: float, log: bool) -> list[float]:
    """About four round numbers within [low, high]; powers of ten on a logarithmic axis."""
    if high <= low:
        return [low]
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        powers = [10.0**power for power in range(first, last + 1)]
        inside = [p for p in powers if low * 0.999 <= p <= high * 1.001]
        if len(inside) < 2:
            inside = [
                m * p for p in powers for m in (1, 2, 5) if low * 0.999 <= m * p <= high * 1.001
            ]
        return inside[:: math.ceil(len(inside) / 6)] if inside else [low, high]
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_text(value: float) -> str:
    """A short number: 1.2M, 20k, 0.01."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return (
        f"{value:.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.0e}".replace("e-0", "e-")
    )


def _x_ticks(chart: Chart, xs: Sequence[float]) -> list[tuple[float, str]]:
    """Where the horizontal axis is marked, and with what."""
    if chart.x_names:
        return [(float(number), name) for number, name in enumerate(chart.x_names, 1)]
    return [(tick, tick_text(tick)) for tick in ticks(min(xs), max(xs), chart.x_log)]


def _drawable(value: float, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _axis(low: float, high: float, log: bool, start: float, stop: float) -> Place:
    def unit(value: float) -> float:
        return math.log10(max(value, low)) if log else value

    span = (unit(high) - unit(low)) or 1.0
    return lambda value: start + (unit(value) - unit(low)) / span * (stop - start)


def _line(curve: Curve, chart: Chart, x_of: Place, y_of: Place) -> str:
    points = _points(curve, chart)
    return "M" + "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in points) if points else ""


def _points(curve: Curve, chart: Chart) -> list[tuple[float, float]]:
    return [
        (x, y)
        for x, y in zip(curve.x, curve.y, strict=True)
        if _drawable(x, chart.x_log) and _drawable(y, chart.y_log)
    ]


def _steps(curve: Curve, x_of: Place, y_of: Place, low: float) -> str:
    heights: Sequence[float] = curve.y
    path = f"M{x_of(curve.x[0]):.1f} {y_of(low):.1f}"
    for edge, height in zip(curve.x[1:], heights, strict=True):
        path += f"V{y_of(max(height, low)):.1f}H{x_of(edge):.1f}"
    return path + f"V{y_of(low):.1f}"
