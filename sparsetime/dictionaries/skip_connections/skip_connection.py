"""Base class of skip connections: predictions of the target without the code."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.composition import Composition


class SkipConnection(Component):
    """Prediction of the target from the input; the code reconstructs the difference.

    Kinds: the linear map of a skip transcoder, and an earlier dictionary with frozen weights.
    """

    role = "skip"
    latent_tensors = frozenset()
    divides_rows = True
    d_in: int
    d_out: int

    def bind(self, composition: Composition) -> None:
        """Called by the dictionary when it is composed; most kinds do nothing."""

    @abstractmethod
    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        """The predicted normalised target, from the encoder's input."""
