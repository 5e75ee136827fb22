"""Layouts in which models take values over time: time or channels first, frames as a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from sparsetime.errors import ConfigError

AS_GIVEN = ""  # [batch, time, ...], as documents have it
_AXES = "btchw"
_CHANNELS = (1, 3, 4)  # channels of pictures: grey, colour, colour with transparency
# Tried in turn, by the axes of a document: t time, c channels or features, h height, w width.
_CANDIDATES = {
    "tc": ("b t c", "b t", "b c t", "(b t) c", "b 1 t c", "b 1 c t", "(b t) 1 c"),
    "thw": ("b t h w", "b 1 t h w", "b t 1 h w", "(b t) 1 h w", "(b t) h w"),
    "thwc": ("b t h w c", "b t c h w", "b c t h w", "(b t) c h w", "(b t) h w c"),
    "tchw": ("b t c h w", "b c t h w", "(b t) c h w", "b t h w c", "(b t) h w c"),
}


def document_axes(shape: Sequence[int]) -> str:
    """Names of the axes of a document's values [time, ...], of which only time is certain."""
    if len(shape) == 4:
        return "tchw" if shape[1] in _CHANNELS and shape[3] not in _CHANNELS else "thwc"
    return {1: "t", 2: "tc", 3: "thw"}.get(len(shape), "")


def candidate_layouts(shape: Sequence[int]) -> list[str]:
    """Layouts to try for values [time, ...], the one that they have first."""
    candidates = _CANDIDATES.get(document_axes(shape), ())
    if len(shape) == 2 and shape[1] != 1:
        candidates = tuple(layout for layout in candidates if layout != "b t")
    return [AS_GIVEN, *candidates[1:]]


def check_layout(layout: str) -> None:
    """Errors: ConfigError for what is no layout."""
    names = layout.replace("(b t)", "b t").split()
    if layout and (
        not {"b", "t"} <= set(names)
        or any(name not in _AXES and name != "1" for name in names)
        or len({n for n in names if n != "1"}) < len([n for n in names if n != "1"])
    ):
        raise ConfigError(
            f"got input_layout={layout!r}, expected the axes of the model's input in order: b "
            "(batch), t (time), c (channels), h, w and 1 for a new axis, with (b t) for frames as "
            "a batch, as in 'b c t' or '(b t) c h w'"
        )


def as_layout(inputs: Tensor, layout: str) -> Tensor:
    """Values [batch, time, ...] in a layout.

    Errors: ConfigError where the values do not have the axes that it names.
    """
    if layout == AS_GIVEN:
        return inputs
    axes = "b" + document_axes(inputs.shape[1:])
    names = [n for n in layout.replace("(b t)", "b t").split() if n != "1"]
    squeezed = [axis for axis in axes if axis not in names]
    if set(names) - set(axes) or any(inputs.shape[axes.index(axis)] != 1 for axis in squeezed):
        raise ConfigError(
            f"got input_layout={layout!r} for values of shape {list(inputs.shape[1:])}, which have "
            f"the axes {' '.join(axes[1:])}; name each of them once"
        )
    order = [axes.index(name) for name in names] + [axes.index(axis) for axis in squeezed]
    moved = inputs.permute(order)
    sizes = iter(moved.shape)
    shape = [1 if name == "1" else next(sizes) for name in layout.replace("(b t)", "b t").split()]
    if layout.startswith("(b t)"):
        shape = [math.prod(shape[:2]), *shape[2:]]
    return moved.reshape(shape)
