"""Base class of distributions: the sparsity of each matrix, from that of all together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import RegisteredComponent


class Distribution(RegisteredComponent):
    """How the weights that are left out are divided among the matrices."""

    role = "distribution"
    #: Whether sparsities depend on the scores, and so on calibration.
    reads_scores: ClassVar[bool] = False

    @abstractmethod
    def sparsities(
        self,
        sizes: Sequence[tuple[int, ...]],
        sparsity: float,
        scores: Sequence[Float[Tensor, "out in"]],
    ) -> list[float]:
        """The sparsity of each matrix, so that a share `sparsity` of all weights is left out.

        sizes: outputs, inputs and kernel sizes of each matrix. scores: of the entries.
        """
