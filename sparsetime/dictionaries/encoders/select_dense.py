"""Encoders that compute every pre-activation to select, and differentiate the selected alone."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.encoders.dense import DenseEncoder
from sparsetime.kernels import Rule, Support


class SelectDenseEncoder(DenseEncoder):
    """Give `pre_activations` and the same at single places; gradients flow at the kept places only.

    The dense tensor exists for the moment of selection, without its gradient.
    """

    @abstractmethod
    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        """Exact float32 pre-activations at the places, with gradients."""

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        with torch.no_grad():
            support = kernels.select_dense(self.pre_activations(x), rule)
        return support, self.preacts_at(x, support)
