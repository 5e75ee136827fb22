"""Verification of a graph: predicted change of the targets compared with ablation in the model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.circuits.nodes import FEATURE, TARGET
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.interventions.model_inputs import forward_arguments
from sparsetime.interventions.patch import Patch, patched
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.hooks import recording

if TYPE_CHECKING:
    import pyarrow as pa

    from sparsetime.circuits.attribution_graph import AttributionGraph
    from sparsetime.circuits.traced import Traced

_AT_ONCE = 32  # groups that one forward pass ablates, a sequence each


@final
@dataclass(frozen=True)
class Verification:
    """Predicted and measured change of the targets for ablated groups of features.

    table: group, nodes, target, predicted, measured. rank_correlation: Spearman's, over all rows;
    NaN where all are equal. sign_agreement: the share of rows whose two signs agree, of those with
    a measured change. largest, random: the rank correlation among the features with most influence
    and among features drawn at random, NaN where groups were given.
    """

    table: pa.Table
    rank_correlation: float
    sign_agreement: float
    largest: float
    random: float


def verify(
    circuit: AttributionGraph,
    traced: Traced | None,
    groups: Sequence[Sequence[int]] | None,
    count: int,
    seed: int,
) -> Verification:
    """Ablate features in the model, and compare the targets' change with the predicted one.

        predicted: f_i = (sum over j of w_ij f_j) / value_i, f = -1 for ablated nodes, 0 for errors
        measured: the model on activations less the written vectors of the group, with errors kept,
        MLPs and attention free

    groups: numbers of feature nodes to ablate together; None takes `count` single features with
    most influence and as many drawn at random. The prediction holds attention patterns, norms and
    the choice of active features fixed; the model does not, so that agreement is no certainty.

    Errors: ConfigError for a graph without its model, and for nodes that are no features;
    MismatchError for `traced` of a graph with other nodes.
    """
    if traced is None:
        raise ConfigError(
            "got a circuit that was opened without its model; open it with model=, or trace it "
            "again with st.circuit"
        )
    features = int(circuit.of_kind(FEATURE).sum())
    if len(traced.steps) != features:
        raise MismatchError(
            f"got traced= of a graph with {len(traced.steps)} features, expected {features}; "
            "trace it with the same nodes=, and prune it alike"
        )
    chosen, largest = _groups(circuit, groups, count, seed)
    predicted = torch.stack([predicted_change(circuit, group) for group in chosen])
    measured = measured_change(circuit, traced, chosen)
    moved = measured.abs() > 0
    agree = (predicted.sign() == measured.sign())[moved]
    nothing = torch.zeros(0)
    parts = (nothing, nothing) if largest is None else (predicted[:largest], measured[:largest])
    rest = (nothing, nothing) if largest is None else (predicted[largest:], measured[largest:])
    return Verification(
        _table(circuit, chosen, predicted, measured),
        rank_correlation(predicted, measured),
        float(agree.float().mean()) if len(agree) else float("nan"),
        rank_correlation(*parts),
        rank_correlation(*rest),
    )


def predicted_change(circuit: AttributionGraph, group: Sequence[int]) -> Float[Tensor, " targets"]:
    """The change of every target that the graph predicts when features are ablated.

    A feature that reads an ablated one changes in proportion to its pre-activation; the effects add
    up along all paths.
    """
    weights = circuit.weights
    is_feature = circuit.of_kind(FEATURE)
    # Not the sums of the rows, which pruning makes smaller.
    values = torch.tensor(circuit.nodes["value"].to_pylist(), dtype=weights.dtype)
    shares = weights / torch.where(values.abs() < 1e-12, torch.ones_like(values), values)[:, None]
    change = torch.zeros(len(weights))
    ablated = torch.zeros(len(weights), dtype=torch.bool)
    ablated[list(group)] = True
    for _ in range(len(weights)):
        new = torch.where(is_feature, shares @ change, torch.zeros_like(change))
        new[ablated] = -1
        if torch.equal(new, change):
            break
        change = new
    return (weights @ change)[circuit.of_kind(TARGET)]


@torch.no_grad()
def measured_change(
    circuit: AttributionGraph, traced: Traced, groups: Sequence[Sequence[int]]
) -> Float[Tensor, "groups targets"]:
    """The change of every target in the model when what groups write is taken away."""
    parts = [
        _values(traced, groups[first : first + _AT_ONCE])
        for first in range(0, len(groups), _AT_ONCE)
    ]
    return torch.cat(parts) - _values(traced, [()])


def _values(traced: Traced, groups: Sequence[Sequence[int]]) -> Float[Tensor, "groups targets"]:
    """The targets' values in one pass, in which each sequence lacks one group."""
    time = len(traced.tokens)
    removed: dict[str, Tensor] = {}
    for row, group in enumerate(groups):
        for node in group:
            for write, step, vector in traced.written_by(node):
                if write not in removed:
                    removed[write] = torch.zeros(len(groups), time, len(vector))
                removed[write][row, step] += vector
    tokens = traced.tokens.expand(len(groups), time)
    arguments, named = forward_arguments(traced.model, tokens)
    sites = list(dict.fromkeys(target.site for target in traced.targets))
    with ExitStack() as stack, eval_mode(traced.model):
        for write, vectors in removed.items():
            stack.enter_context(patched(traced.model, write, _less(vectors), len(groups), time))
        read = stack.enter_context(recording(traced.model, sites))
        traced.model(*arguments, **named)
    return torch.stack(
        [
            (read[target.site].reshape(len(groups), time, -1).float() * target.vector).sum((1, 2))
            for target in traced.targets
        ],
        dim=1,
    )


def _less(vectors: Tensor) -> Patch:
    return lambda x: x - vectors.to(x)


def rank_correlation(predicted: Tensor, measured: Tensor) -> float:
    """Spearman's rank correlation; NaN for fewer than two values or for equal ones."""
    from scipy.stats import spearmanr

    a, b = predicted.flatten().numpy(), measured.flatten().numpy()
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _groups(
    circuit: AttributionGraph, groups: Sequence[Sequence[int]] | None, count: int, seed: int
) -> tuple[list[list[int]], int | None]:
    """The groups to ablate, and how many of them are the most influential features."""
    is_feature = circuit.of_kind(FEATURE)
    features = is_feature.nonzero()[:, 0]
    if groups is not None:
        for node in (node for group in groups for node in group):
            if not (0 <= node < len(is_feature) and bool(is_feature[node])):
                raise ConfigError(
                    f"got the node {node} to ablate, expected the number of a feature, such as "
                    f"{int(features[0]) if len(features) else 'none'}"
                )
        return [list(group) for group in groups], None
    if not len(features):
        raise DataError("the graph has no features to ablate; trace it with more nodes")
    order = features[circuit.influence[features].argsort(descending=True)]
    most = order[:count]
    rest = order[count:]
    draw = seeds.torch_generator(seed, "features of a verification")
    drawn = rest[torch.randperm(len(rest), generator=draw)[:count]]
    return [[int(node)] for node in (*most, *drawn)], len(most)


def _table(
    circuit: AttributionGraph, groups: Sequence[Sequence[int]], predicted: Tensor, measured: Tensor
) -> pa.Table:
    import pyarrow as pa

    places = circuit.of_kind(TARGET).nonzero()[:, 0].tolist()
    labels = [circuit.nodes["label"][place].as_py() for place in places]
    rows = [(g, t) for g in range(len(groups)) for t in range(len(labels))]
    return pa.table(
        {
            "group": [g for g, _ in rows],
            "nodes": [list(groups[g]) for g, _ in rows],
            "target": [labels[t] for _, t in rows],
            "predicted": predicted.flatten().numpy(),
            "measured": measured.flatten().numpy(),
        }
    )
