"""Strength of an edit: multiples of a feature's peak or of the site's spread, or raw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.index_of_dictionary import check_index_of

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

UNITS = ("peak", "spread", "activation")


def unit_of(units: str | None, index: FeatureIndex | None, sae: Dictionary) -> str:
    """The unit of strengths: what was asked for, or peaks where an index is given, else spreads.

    Errors: ConfigError for another unit, and for peaks without an index; MismatchError for the
    index of another dictionary.
    """
    if index is not None:
        check_index_of(index, sae)
    chosen = units or ("spread" if index is None else "peak")
    if chosen not in UNITS:
        raise ConfigError(f"got units={units!r}, expected one of {', '.join(map(repr, UNITS))}")
    if chosen == "peak" and index is None:
        raise ConfigError(
            "got units='peak' without an index, which holds the peaks; give index=, or "
            "units='spread'"
        )
    return chosen


def activation_per_unit(
    sae: Dictionary, feature: int, unit: str, index: FeatureIndex | None
) -> float:
    """The activation value of a strength of 1.

        peak: the largest activation in the index;  activation: 1
        spread: 1 / ||atom||, which adds a vector as long as the root mean squared distance of the
                site's activations from their mean

    Errors: ConfigError for a feature that never fires, or that writes nothing; MismatchError for
    an index of another width.
    """
    if unit == "activation":
        return 1.0
    if unit == "peak":
        assert index is not None  # checked
        if index.width != sae.width:
            raise MismatchError(
                f"got an index of {index.width} features for a dictionary of {sae.width}; give "
                "the index of this dictionary"
            )
        peak = float(index.features["max"][feature].as_py() or 0.0)
        if peak == 0:
            raise ConfigError(
                f"feature {feature} does not fire in the index, so it has no peak; give "
                "units='spread'"
            )
        return peak
    length = float(sae.atoms[feature].detach().norm())
    if length == 0:
        raise ConfigError(f"the atom of feature {feature} is zero, so it cannot be added")
    return 1.0 / length
