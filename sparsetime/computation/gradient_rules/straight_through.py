"""Straight-through gradients with decay of removed weights (SR-STE)."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.computation.gradient_rules.gradient_rule import DecayingRule


@final
@component("straight_through")
class StraightThrough(DecayingRule):
    """Dense weights get the gradient of the thinned ones; removed ones decay.

        W' = M W,  dL/dW = dL/dW' + decay (1 - M) W

    decay: 0 is the plain straight-through estimator.

    Source: Zhou et al. 2021, Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch, equation 8 (SR-STE).
    """
