"""Scores of an attribution graph: shares of errors and biases, replacement, completeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.circuits.influence import influence, normalised


@final
@dataclass(frozen=True)
class Scores:
    """Shares of a graph, in [0, 1].

    error_share, bias_share, token_share: of the influence of all nodes without inputs; they sum to
    1. replacement: influence of tokens / (tokens + errors), without biases. completeness: the share
    of inputs that are no errors, weighted by the influence of the node that they go into.

    Source of the last two: Ameisen et al. 2025, Circuit Tracing (graph scores).
    """

    error_share: float
    bias_share: float
    token_share: float
    replacement: float
    completeness: float


def scores(
    weights: Float[Tensor, "nodes nodes"],
    targets: Float[Tensor, " nodes"],
    error: Bool[Tensor, " nodes"],
    token: Bool[Tensor, " nodes"],
    bias: Bool[Tensor, " nodes"],
) -> Scores:
    """The scores of a graph; masks say which nodes are errors, tokens and the bias."""
    total = influence(normalised(weights), targets)
    parts = [float(total[mask].sum()) for mask in (error, bias, token)]
    whole = sum(parts) or 1.0
    without = weights * ~bias
    shares = normalised(without)
    reached = influence(shares, targets)
    tokens, errors = float(reached[token].sum()), float(reached[error].sum())
    outputs = reached + targets
    complete = (1 - shares[:, error].sum(1)) * outputs
    return Scores(
        parts[0] / whole,
        parts[1] / whole,
        parts[2] / whole,
        tokens / (tokens + errors) if tokens + errors else 1.0,
        float(complete.sum() / outputs.sum().clamp_min(1e-30)),
    )
