"""The digits of scikit-learn in three parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds

_HELD_OUT, _TUNING = 360, 180
_SPLIT_SEED = 0


@final
@dataclass(frozen=True, eq=False)
class DigitPart:
    """Images [rows, 64] with mean 0 and deviation 1 over the training part, and their classes."""

    images: Float[Tensor, "rows 64"]
    classes: Int[Tensor, " rows"]


@final
@dataclass(frozen=True, eq=False)
class Digits:
    """The digits, split at random. Settings are chosen on `tuning`, results are on `held_out`."""

    train: DigitPart
    tuning: DigitPart
    held_out: DigitPart


def digits() -> Digits:
    """The 1,797 digits: 360 held out, 180 for tuning; the split is the same for all seeds."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    order = seeds.numpy_generator(_SPLIT_SEED, "split of digits").permutation(len(images))
    x = torch.from_numpy(images[order]).float()
    y = torch.from_numpy(classes[order]).long()
    begin = _HELD_OUT + _TUNING
    x = (x - x[begin:].mean()) / x[begin:].std()
    parts = [slice(begin, None), slice(_HELD_OUT, begin), slice(0, _HELD_OUT)]
    return Digits(*(DigitPart(x[part], y[part]) for part in parts))
