"""Compatibility of the components of a dictionary: sizes, sites, reconstruction, sparsity.

Rules for all components are here; a component's own are in `Component.incompatibility`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


def check_compatibility(composition: Composition, components: Sequence[Component]) -> None:
    """Errors: ConfigError with the first reason why the components cannot work together."""
    terms = [component for component in components if isinstance(component, Term)]
    for reason in _general_reasons(composition, components, terms):
        raise ConfigError(reason)
    for component in components:
        own_reason = component.incompatibility(composition)
        if own_reason is not None:
            raise ConfigError(own_reason)


def _general_reasons(
    it: Composition, components: Sequence[Component], terms: Sequence[Term]
) -> Iterator[str]:
    yield from _sizes(it, components)
    yield from _sites(it)
    if not any(term.is_reconstruction for term in terms):
        yield (
            "no term of the objective measures reconstruction; add 'mse', or 'nested_mse' for "
            "nested groups"
        )
    if it.sparsifier.needs_sparsity_penalty and not any(term.is_sparsity_penalty for term in terms):
        yield (
            f"the sparsifier {it.sparsifier.kind!r} needs a sparsity penalty in the objective: add "
            "a term such as 'l1', or take 'top_k'"
        )


def _sizes(it: Composition, components: Sequence[Component]) -> Iterator[str]:
    if it.encoder.width != it.decoder.width:
        yield (
            f"the encoder has width {it.encoder.width} and the decoder {it.decoder.width}: "
            "they must be the same"
        )
    for component in components:
        if component.role not in ("sparsifier", "term"):
            continue
        width = getattr(component, "width", it.width)
        if width != it.width:
            yield (
                f"the {component.role} {component.kind!r} has width {width} and the encoder "
                f"{it.width}: they must be the same"
            )
        d_in = getattr(component, "d_in", it.d_in)
        if d_in != it.d_in:
            yield (
                f"the {component.role} {component.kind!r} reads {d_in} dimensions and the encoder "
                f"{it.d_in}: they must be the same"
            )
    k = getattr(it.sparsifier.innermost, "k", None)
    if isinstance(k, int) and k > it.width:
        yield f"k is {k} and larger than the width, {it.width}"


def _sites(it: Composition) -> Iterator[str]:
    if sum(it.in_dims) != it.d_in:
        yield f"got input sites of {list(it.in_dims)} dimensions, expected {it.d_in} (encoder)"
    if it.out_dims is None and it.d_in != it.d_out:
        yield (
            f"the encoder reads {it.d_in} dimensions and the decoder has {it.d_out}, so it cannot "
            "reconstruct what is read. Give the dimensions of the other site as `out_dims` "
            "(`d_out` in compose)"
        )
    if it.out_dims is not None and sum(it.out_dims) != it.d_out:
        yield f"got output sites of {list(it.out_dims)} dimensions, expected {it.d_out} (decoder)"
    if it.skip is not None and (it.skip.d_in, it.skip.d_out) != (it.d_in, it.d_out):
        yield (
            f"the skip connection maps {it.skip.d_in} dimensions to {it.skip.d_out}, the "
            f"dictionary {it.d_in} to {it.d_out}: they must be the same"
        )
