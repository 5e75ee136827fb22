"""The nearest atoms between two dictionaries, found once and kept beside the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import MismatchError, SparsetimeError
from sparsetime.features.nearest_atoms import nearest
from sparsetime.files import Folder
from sparsetime.files.partial import remove_leftovers

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode

MATCHES = "matches"
VERSION = 1  # schema of its files
_PARTS = ("to_right", "cosine", "to_left", "back")


@dataclass(frozen=True)
class AtomMatches:
    """For each living feature of two sides, the nearest on the other, and the cosine to it.

    living: the features' numbers, left and right. Places are within the other side's `living`.
    """

    living: tuple[Int[np.ndarray, " left"], Int[np.ndarray, " right"]]
    to_right: Int[np.ndarray, " left"]
    cosine: Float[np.ndarray, " left"]
    to_left: Int[np.ndarray, " right"]
    back: Float[np.ndarray, " right"]


def neighbours(
    folder: Folder,
    names: tuple[str, str],
    living: tuple[Int[np.ndarray, " left"], Int[np.ndarray, " right"]],
    atoms: Callable[[], tuple[Float[Tensor, "width d"], Float[Tensor, "other d"]]],
) -> AtomMatches:
    """The neighbours as they were kept, or found now and kept.

    names: hashes of the two sides' dictionaries, which with their living features name the file. A
    run that cannot be written to keeps nothing, and a kept file that cannot be read is written
    again.

    Errors: MismatchError where the two sides' atoms differ in dimension.
    """
    name = f"{MATCHES}/{_key(names[0], living[0])}-{_key(names[1], living[1])}.safetensors"
    with suppress(OSError, SparsetimeError, KeyError):  # the file can be written again
        kept = folder.read_tensors(name, VERSION)
        return AtomMatches(living, *(kept[part].numpy() for part in _PARTS))
    left, right = atoms()
    if left.shape[1] != right.shape[1]:
        raise MismatchError(
            f"the atoms on the left have {left.shape[1]} dimensions, those on the right "
            f"{right.shape[1]}; only dictionaries of the same site can be compared"
        )
    parts = nearest(_directions(left, living[0]), _directions(right, living[1]))
    matches = AtomMatches(living, *parts)
    arrays = dict(zip(_PARTS, parts, strict=True))
    with suppress(OSError):  # a run that may only be read
        if folder.is_local:
            remove_leftovers(folder.path(MATCHES))
        folder.write_tensors(name, arrays, VERSION)
    return matches


def _key(name: str, living: Int[np.ndarray, " some"]) -> str:
    """Places are within the living features, which depend on the store and the settings too."""
    return hashlib.sha256(name.encode() + living.astype("<i8").tobytes()).hexdigest()[:24]


def neighbours_by_code(
    codes: tuple[SparseCode, SparseCode],
    living: tuple[Int[np.ndarray, " left"], Int[np.ndarray, " right"]],
) -> AtomMatches:
    """The neighbours by the cosine of activation values, for sides without directions.

    codes: of both sides over the same steps.
    """
    from sparsetime.features.code_similarity import nearest_by_code

    return AtomMatches(living, *nearest_by_code(*codes, *living))


def _directions(atoms: Float[Tensor, "width d"], some: np.ndarray) -> Float[Tensor, "some d"]:
    return torch.nn.functional.normalize(atoms[torch.from_numpy(some)], dim=1)
