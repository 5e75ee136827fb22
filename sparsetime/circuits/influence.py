"""Influence of nodes on the targets of a graph, and pruning by it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError


def normalised(weights: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Shares of a node's inputs: |w_ij| / sum over j of |w_ij|, from node j into node i."""
    sizes = weights.abs()
    return sizes / sizes.sum(1, keepdim=True).clamp_min(1e-30)


def influence(
    shares: Float[Tensor, "nodes nodes"], weights: Float[Tensor, " nodes"]
) -> Float[Tensor, " nodes"]:
    """Influence of every node on the targets along all paths.

        c = w (A + A² + A³ + ...),   A: shares of inputs, w: weights of the targets

    The sum ends, because a graph of steps and layers has no cycle.

    Source: Ameisen et al. 2025, Circuit Tracing (node influence by the Neumann series).
    """
    current = weights @ shares
    total = current.clone()
    for _ in range(len(weights)):
        current = current @ shares
        if not bool(current.any()):
            break
        total += current
    return total


def edge_influence(
    shares: Float[Tensor, "nodes nodes"], weights: Float[Tensor, " nodes"]
) -> Float[Tensor, "nodes nodes"]:
    """Influence that passes along every edge: A_ij (c_i + w_i)."""
    return shares * (influence(shares, weights) + weights)[:, None]


def above_share(sizes: Float[Tensor, " n"], share: float) -> Bool[Tensor, " n"]:
    """The largest values that hold a share of the sum together."""
    if not 0 < share <= 1:
        raise ConfigError(f"got a share of {share}, expected a number in (0, 1]")
    ordered, order = sizes.sort(descending=True, stable=True)
    reached = ordered.double().cumsum(0) / ordered.double().sum().clamp_min(1e-30)
    count = int((reached < share).sum()) + 1
    kept = torch.zeros(len(sizes), dtype=torch.bool)
    kept[order[:count]] = True
    return kept & (sizes > 0)


def pruned(
    weights: Float[Tensor, "nodes nodes"],
    targets: Float[Tensor, " nodes"],
    always: Bool[Tensor, " nodes"],
    inner: Bool[Tensor, " nodes"],
    node_share: float,
    edge_share: float,
) -> tuple[Bool[Tensor, " nodes"], Bool[Tensor, "nodes nodes"]]:
    """The nodes and the edges that hold these shares of the influence.

    targets: weights of the targets. always: nodes that stay, tokens and targets. inner: nodes that
    must have inputs, features. Nodes without a path to a target are left out.

    Source: Ameisen et al. 2025, Circuit Tracing (pruning of nodes, then of edges).
    """
    nodes = above_share(influence(normalised(weights), targets), node_share) | always
    kept = weights * nodes[:, None] * nodes[None, :]
    flat = edge_influence(normalised(kept), targets).flatten()
    edges = above_share(flat, edge_share).reshape(weights.shape)
    while True:
        has_output = edges.any(0) | always
        has_input = edges.any(1) | ~inner
        remaining = nodes & has_output & has_input
        if bool((remaining == nodes).all()):
            return nodes, edges
        nodes = remaining
        edges = edges & nodes[:, None] & nodes[None, :]
