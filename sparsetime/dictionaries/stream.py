"""One time step at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


class Stream:
    """The running state of one or many streams that are encoded step by step.

    A dictionary whose code depends on the present step alone needs no memory of the past, so that
    its state is empty; this is where dictionaries that look back will keep theirs.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self.steps = 0

    def step(self, x: Float[Tensor, "*streams d"]) -> SparseCode:
        """The code of the next step of every stream; shape `streams`, or `(1,)` for one vector."""
        code = self._dictionary.encode(x if x.dim() > 1 else x[None])
        self.steps += 1
        return code
