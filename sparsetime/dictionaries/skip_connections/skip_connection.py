"""What can be said of the target without the code."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import Component

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


class SkipConnection(Component):
    """A first guess, straight from the activation; the code explains what it leaves over.

    The skip connection of a transcoder is one, an earlier dictionary that is kept as it is another.
    """

    role = "skip"
    d_in: int
    d_out: int

    def bind(self, dictionary: Dictionary) -> None:
        """Told by the dictionary, when it is composed. Most bases need not know it."""

    @abstractmethod
    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        """The guess of the normalised target, from what the encoder sees."""
