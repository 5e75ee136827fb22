"""Two dictionaries, atom by atom: what both have, what one splits, what only one has."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import MismatchError
from sparsetime.explorer.workbench.lines import lines
from sparsetime.explorer.workbench.opened import Opened
from sparsetime.explorer.workbench.records import CompareView, Histogram, Match

THRESHOLD = 0.7
_AT_ONCE = 2048
_SHOWN = 80
_ALONE = 60


def compare(opened: Opened, left: str, right: str) -> CompareView:
    """Match the living features of two dictionaries by the cosine of their atoms.

    Shared are pairs that are each other's nearest with a cosine of at least THRESHOLD; split are
    the other left features whose nearest is as near; those with none so near are only here.

    Errors: UnknownNameError for a dictionary that the run does not show; MismatchError where the
    two are of activations of different width.
    """
    living = [np.flatnonzero(opened.one(key).table.density > 0) for key in (left, right)]
    atoms = [opened.atoms(key) for key in (left, right)]
    if atoms[0].shape[1] != atoms[1].shape[1]:
        raise MismatchError(
            f"{left} has atoms of {atoms[0].shape[1]} dimensions and {right} of "
            f"{atoms[1].shape[1]}; only dictionaries of the same site can be compared"
        )
    to_right, cosine, to_left, back = nearest(
        *(a[torch.from_numpy(alive)] for a, alive in zip(atoms, living, strict=True))
    )
    mutual = to_left[to_right] == np.arange(len(to_right))
    near = cosine >= THRESHOLD
    order = np.lexsort((np.arange(len(cosine)), -cosine, ~mutual))[:_SHOWN]
    lonely = np.argsort(cosine, kind="stable")[:_ALONE]
    edges = np.linspace(0, 1, 41)
    ours, theirs = (
        lines(opened, left, living[0][order].tolist()),
        lines(opened, right, living[1][to_right[order]].tolist()),
    )
    return CompareView(
        left=left,
        right=right,
        shared=int((mutual & near).sum()),
        split=int((~mutual & near).sum()),
        only_left=int((~near).sum()),
        only_right=int((back < THRESHOLD).sum()),
        threshold=THRESHOLD,
        cosines=Histogram(
            edges=edges.tolist(), counts=np.histogram(np.clip(cosine, 0, 1), edges)[0].tolist()
        ),
        matches=[
            Match(
                feature=one.feature,
                words=one.words,
                label=one.label,
                other=other.feature,
                other_words=other.words,
                other_label=other.label,
                cosine=float(cosine[at]),
                mutual=bool(mutual[at]),
            )
            for at, one, other in zip(order, ours, theirs, strict=True)
        ],
        alone=lines(opened, left, living[0][lonely].tolist()),
    )


def nearest(
    left: Float[Tensor, "left d"], right: Float[Tensor, "right d"]
) -> tuple[
    Int[np.ndarray, " left"],
    Float[np.ndarray, " left"],
    Int[np.ndarray, " right"],
    Float[np.ndarray, " right"],
]:
    """Each atom's nearest on the other side and the cosine to it, in both directions."""
    left = torch.nn.functional.normalize(left, dim=1)
    right = torch.nn.functional.normalize(right, dim=1)
    to_right, cosine = [], []
    back = torch.full((len(right),), -2.0)
    to_left = torch.zeros(len(right), dtype=torch.int64)
    for begin in range(0, len(left), _AT_ONCE):
        block = left[begin : begin + _AT_ONCE] @ right.T
        value, place = block.max(1)
        cosine.append(value)
        to_right.append(place)
        value, place = block.max(0)
        better = value > back
        back[better], to_left[better] = value[better], place[better] + begin
    return (
        torch.cat(to_right).numpy(),
        torch.cat(cosine).numpy(),
        to_left.numpy(),
        back.numpy(),
    )
