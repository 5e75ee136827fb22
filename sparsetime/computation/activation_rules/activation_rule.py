"""Base class of rules: which entries of an activation are kept at a step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import RegisteredComponent


class ActivationRule(RegisteredComponent):
    """Which entries are kept, from their scores. What it learns is a dict of tensors a point."""

    role = "activation_rule"
    #: Whether it reads the input of the module before, and not the scores, at inference.
    predicts: ClassVar[bool] = False

    @abstractmethod
    def calibrated(
        self,
        scores: Float[Tensor, "steps entries"],
        read: Float[Tensor, "steps d"] | None,
        sparsity: float,
        seed: int,
    ) -> dict[str, Tensor]:
        """What it learns of a point, from the scores of calibration steps.

        read: the input of the module before, at the same steps, for rules that predict.
        """

    def macs(self, learnt: Mapping[str, Tensor]) -> int:
        """Multiplications that the rule itself needs at a step."""
        del learnt
        return 0

    @abstractmethod
    def kept(
        self, x: Float[Tensor, "*steps entries"], learnt: Mapping[str, Tensor]
    ) -> Bool[Tensor, "*steps kept"]:
        """True at entries that are kept; x: scores, or what a predictor reads."""
