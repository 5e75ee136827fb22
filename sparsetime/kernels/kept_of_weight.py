"""What is computed from a weight, kept while the weight does not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, final

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

_Value = TypeVar("_Value")


@final
class KeptOfWeight(Generic[_Value]):
    """A function of a weight [width, d] in main memory, whose last value is kept.

    It is kept as long as the storage of the weight lives; of weights that share a storage, that of
    the last. A change shows as `state_of` says.
    """

    def __init__(self, compute: Callable[[Tensor], _Value]) -> None:
        """compute: gives nothing that shares the storage of the weight, which would never leave."""
        self._compute = compute
        # Not of the weight: torch swaps no tensor that has a weak reference.
        self._kept: WeakIdKeyDictionary = WeakIdKeyDictionary()

    def __call__(self, weight: Tensor) -> _Value:
        if weight.is_inference() or weight.device.type != "cpu":
            return self._compute(weight.detach())
        now, storage = state_of(weight), weight.untyped_storage()
        kept = self._kept.get(storage)
        if kept is not None and is_same(kept[0], now):
            value: _Value = kept[1]
            return value
        value = self._compute(weight.detach())  # two threads that miss at once compute the same
        self._kept[storage] = (now, value)
        return value

    def __len__(self) -> int:
        return len(self._kept)


def state_of(weight: Tensor) -> tuple[Any, ...]:
    """What differs once the numbers of a weight [width, d] have changed.

    Torch's count of changes in place, the address of the numbers, and one number of every row. So
    of changes that torch does not count, by fused optimisers, `weight.data` or numpy, those of
    whole rows are seen, and those of a few numbers may not be.
    """
    rows, d = weight.shape
    probe = torch.arange(rows)
    sample = weight.detach()[probe, (7 * probe) % max(d, 1)] if d else weight.new_zeros(0)
    layout = (weight.data_ptr(), tuple(weight.shape), tuple(weight.stride()), weight.dtype)
    return (weight._version, *layout, sample)


def is_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two states of `state_of` are of the same numbers."""
    return one[:-1] == other[:-1] and torch.equal(one[-1], other[-1])
