"""Which compositions make no sense, and why.

What holds for all parts is here; what one part knows of itself is its own `objection`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


def _widths(it: Dictionary) -> str | None:
    if it.encoder.width == it.decoder.width:
        return None
    return (
        f"the encoder has width {it.encoder.width} and the atoms {it.decoder.width}: "
        "they must be the same"
    )


def _sizes(it: Dictionary) -> str | None:
    for part in [it.sparsifier, *it.objective.members]:
        own = getattr(part, "width", it.width)
        if own != it.width:
            return (
                f"the {part.role} {part.kind!r} has width {own} and the encoder {it.width}: they "
                "must be the same"
            )
        read = getattr(part, "d_in", it.d_in)
        if read != it.d_in:
            return (
                f"the {part.role} {part.kind!r} reads {read} dimensions and the encoder "
                f"{it.d_in}: they must be the same"
            )
    return None


def _k(it: Dictionary) -> str | None:
    k = getattr(it.sparsifier.core, "k", None)
    if not isinstance(k, int) or k <= it.width:
        return None
    return f"k is {k} and larger than the width, {it.width}"


def _reads(it: Dictionary) -> str | None:
    if sum(it.reads) == it.d_in:
        return None
    return f"the sites that are read have {list(it.reads)} dimensions, the encoder {it.d_in} in all"


def _writes(it: Dictionary) -> str | None:
    if it.writes is None and it.d_in != it.d_out:
        return (
            f"the encoder reads {it.d_in} dimensions and the atoms have {it.d_out}: what is read "
            "cannot be what is reconstructed. Give the dimensions of the other site as `writes` "
            "(`d_out` in compose)"
        )
    if it.writes is not None and sum(it.writes) != it.d_out:
        return f"the sites that are written have {list(it.writes)} dimensions, the atoms {it.d_out}"
    return None


def _base(it: Dictionary) -> str | None:
    if it.base is None or (it.base.d_in, it.base.d_out) == (it.d_in, it.d_out):
        return None
    return (
        f"the base maps {it.base.d_in} dimensions to {it.base.d_out}, the dictionary {it.d_in} to "
        f"{it.d_out}: they must be the same"
    )


def _explains(it: Dictionary) -> str | None:
    if any(term.explains for term in it.objective.members):
        return None
    return (
        "no term asks the code to explain the activation, so it would learn nothing of it: add "
        "'mse', or 'nested_mse' for nested groups"
    )


def _pressure(it: Dictionary) -> str | None:
    pressed = any(term.presses for term in it.objective.members)
    if pressed or not it.sparsifier.wants_pressure:
        return None
    return (
        f"the sparsifier {it.sparsifier.kind!r} keeps every latent that the objective lets be: add "
        "a term that makes codes sparse, such as 'l1', or take 'top_k'"
    )


_RULES: tuple[Callable[[Dictionary], str | None], ...] = (
    _widths,
    _sizes,
    _k,
    _reads,
    _writes,
    _base,
    _explains,
    _pressure,
)


def check_sense(dictionary: Dictionary) -> None:
    """Errors: ConfigError with the first reason against a composition."""
    for rule in _RULES:
        reason = rule(dictionary)
        if reason is not None:
            raise ConfigError(reason)
    for part in dictionary.parts:
        reason = part.objection(dictionary)
        if reason is not None:
            raise ConfigError(reason)
