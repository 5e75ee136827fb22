"""Base class of executions: how a thinned linear map is computed at inference."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.components import RegisteredComponent


class Execution(RegisteredComponent):
    """A way to compute a linear map with a mask, for inference on a CPU."""

    role = "execution"
    #: Whether the result is that of the masked matrix in float32, to 1e-4 of its size.
    is_exact: ClassVar[bool] = True

    def objection(self, mask: Bool[Tensor, "out in"]) -> str | None:
        """Why a mask cannot be computed so; None where it can."""
        del mask
        return None

    @abstractmethod
    def module(
        self,
        weight: Float[Tensor, "out in"],
        mask: Bool[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
    ) -> nn.Module:
        """A module that computes x [..., in] to [..., out], without gradient."""
