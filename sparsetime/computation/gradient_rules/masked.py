"""Masked gradients: removed weights are zero and learn nothing."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.computation.gradient_rules.gradient_rule import GradientRule


@final
@component("masked")
class Masked(GradientRule):
    """Removed weights are zero, and their gradients too.

        W' = M W,  dL/dW = M dL/dW'

    Source: Han et al. 2015, Learning both weights and connections for efficient neural networks.
    """

    def __init__(self) -> None:
        super().__init__()
