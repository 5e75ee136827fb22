"""SVG elements, linear and logarithmic axes, and round ticks: the writer of all static charts."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

#: A position on the page for a value.
Axis = Callable[[float], float]


def element(tag: str, content: str = "", /, **attributes: str | float) -> str:
    """One SVG element.

    content: markup or text, which the caller escapes. attributes: escaped; `_` in a name stands for
    `-`, one at the end is dropped, as in `class_`. Floats have one decimal, as pixels need no more.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(content: str, x: float, y: float, /, **attributes: str | float) -> str:
    """A `<text>` element; the content is escaped."""
    return element("text", escape(content), x=x, y=y, **attributes)


def axis(low: float, high: float, start: float, stop: float, log: bool = False) -> Axis:
    """Positions from `start` at the value `low` to `stop` at `high`."""

    def unit(value: float) -> float:
        return math.log10(max(value, low)) if log else value

    span = (unit(high) - unit(low)) or 1.0
    return lambda value: start + (unit(value) - unit(low)) / span * (stop - start)


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
    return _multiples(step, math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9))


def ticks_around(low: float, high: float) -> list[float]:
    """Three round numbers or more, the first at most `low` and the last at least `high`.

    For one value there is one tick below it and one above.
    """
    if high <= low:
        low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
    rough = (high - low) / 2
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * max(m for m in (1, 2, 5) if m * size <= rough * (1 + 1e-9))
    return _multiples(step, math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9))


def tick_text(value: float) -> str:
    """A short number: 1.2M, 20k, 0.01."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return (
        f"{value:.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.0e}".replace("e-0", "e-")
    )


def _multiples(step: float, first: int, last: int) -> list[float]:
    return [number * step for number in range(first, last + 1)]


def _attribute(value: str | float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else escape(str(value))
