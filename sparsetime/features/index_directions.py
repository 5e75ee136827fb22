"""Directions of the features of an index: stored ones, or those of the dictionary around it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.dictionary_hash import dictionary_hash, same_dictionary
from sparsetime.dictionaries.serialise import load
from sparsetime.errors import MismatchError

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex


def index_directions(index: FeatureIndex) -> Float[Tensor, "width d"] | None:
    """One direction per feature, float32 on the CPU; None for a code source without directions.

    The index of a dictionary stores none; the atoms are those of the folder around it.

    Errors: MismatchError where that folder holds another dictionary; those of `load`.
    """
    if index.kind != "dictionary":
        return index.directions()
    sae = load(str(PurePosixPath(index.path).parent))
    if not same_dictionary(index.record["subject"]["dictionary"], dictionary_hash(sae)):
        raise MismatchError(
            f"{index.path} was made from other weights or settings than the dictionary around it "
            f"has; give the dictionary, or index it again"
        )
    return sae.atoms.detach().float().cpu()
