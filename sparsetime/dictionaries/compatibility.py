"""Which compositions make no sense, and why.

What holds for all parts is here; what one part knows of itself is its own `incompatibility`.
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
    k = getattr(it.sparsifier.innermost, "k", None)
    if not isinstance(k, int) or k <= it.width:
        return None
    return f"k is {k} and larger than the width, {it.width}"


def _reads(it: Dictionary) -> str | None:
    if sum(it.in_dims) == it.d_in:
        return None
    return f"got input sites of {list(it.in_dims)} dimensions, expected {it.d_in} in all (encoder)"


def _writes(it: Dictionary) -> str | None:
    if it.out_dims is None and it.d_in != it.d_out:
        return (
            f"the encoder reads {it.d_in} dimensions and the atoms have {it.d_out}: what is read "
            "cannot be what is reconstructed. Give the dimensions of the other site as `out_dims` "
            "(`d_out` in compose)"
        )
    if it.out_dims is not None and sum(it.out_dims) != it.d_out:
        return f"got output sites of {list(it.out_dims)} dimensions, expected {it.d_out} (decoder)"
    return None


def _base(it: Dictionary) -> str | None:
    if it.skip is None or (it.skip.d_in, it.skip.d_out) == (it.d_in, it.d_out):
        return None
    return (
        f"the skip connection maps {it.skip.d_in} dimensions to {it.skip.d_out}, the dictionary "
        f"{it.d_in} to {it.d_out}: they must be the same"
    )


def _explains(it: Dictionary) -> str | None:
    if any(term.is_reconstruction for term in it.objective.members):
        return None
    return (
        "no term asks the code to explain the activation, so it would learn nothing of it: add "
        "'mse', or 'nested_mse' for nested groups"
    )


def _pressure(it: Dictionary) -> str | None:
    pressed = any(term.is_sparsity_penalty for term in it.objective.members)
    if pressed or not it.sparsifier.needs_sparsity_penalty:
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
    for part in dictionary.components:
        reason = part.incompatibility(dictionary)
        if reason is not None:
            raise ConfigError(reason)
