"""AttributionGraph: nodes and edges with their scores, and what can be asked of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.circuits import influence as influences
from sparsetime.circuits.lags import influence_by_lag
from sparsetime.circuits.nodes import BIAS, ERROR, FEATURE, TARGET, TOKEN
from sparsetime.circuits.scores import Scores, scores

if TYPE_CHECKING:
    import pyarrow as pa

    from sparsetime.circuits.traced import Traced
    from sparsetime.circuits.verify import Verification


@final
@dataclass(frozen=True, eq=False)
class AttributionGraph:
    """An attribution graph over the steps of one input.

    nodes: a table, see `node_table`. weights: direct effect of each node (column) on each node
    (row), [nodes, nodes]; of a feature's row the sum is its pre-activation, of a target's row its
    value. scores: of the whole graph, the error share first. about: model, sites, texts of the
    tokens, guards and counts of what was frozen. ablations: the table of a verification that is
    kept with the graph. traced: what ablations need; None for a graph that was opened without its
    model.

    Attention patterns are frozen: a graph does not show why a head attends where it does.
    """

    nodes: pa.Table
    weights: Float[Tensor, "nodes nodes"]
    scores: Scores
    about: Mapping[str, Any]
    ablations: pa.Table | None = None
    traced: Traced | None = field(default=None, repr=False)

    @cached_property
    def target_weights(self) -> Float[Tensor, " nodes"]:
        """The weight of every target, 0 for other nodes."""
        values = torch.tensor(self.nodes["value"].to_pylist(), dtype=torch.float32)
        return values * self.of_kind(TARGET)

    @cached_property
    def influence(self) -> Float[Tensor, " nodes"]:
        """Influence of every node on the targets along all paths."""
        return influences.influence(influences.normalised(self.weights), self.target_weights)

    @property
    def edges(self) -> pa.Table:
        """Edges that are not zero: source, target, weight, lag in steps, influence.

        The lag is the step of the target less that of the source, null for the bias.
        """
        import pyarrow as pa

        targets, sources = self.weights.nonzero(as_tuple=True)
        steps = torch.tensor(self.nodes["step"].to_pylist())
        lags = steps[targets] - steps[sources]
        passed = influences.edge_influence(influences.normalised(self.weights), self.target_weights)
        return pa.table(
            {
                "source": sources.numpy(),
                "target": targets.numpy(),
                "weight": self.weights[targets, sources].numpy(),
                "lag": pa.array(lags.numpy(), mask=(steps[sources] < 0).numpy()),
                "influence": passed[targets, sources].numpy(),
            }
        )

    def of_kind(self, kind: str) -> Tensor:
        """A mask of the nodes of a kind: feature, error, token, bias or target."""
        return torch.tensor([one == kind for one in self.nodes["kind"].to_pylist()])

    def prune(self, nodes: float = 0.8, edges: float = 0.98) -> AttributionGraph:
        """The part of the graph that holds these shares of the influence of nodes and of edges.

        Tokens, targets and features with a path from a source to a target are kept. Scores remain
        those of the whole graph.

        Errors: ConfigError for a share outside of (0, 1].
        """
        always = self.of_kind(TOKEN) | self.of_kind(TARGET)
        kept, edge_mask = influences.pruned(
            self.weights, self.target_weights, always, self.of_kind(FEATURE), nodes, edges
        )
        places = kept.nonzero()[:, 0]
        listed = places.tolist()
        return AttributionGraph(
            self.nodes.take(places.numpy()),
            (self.weights * edge_mask)[places][:, places],
            self.scores,
            {**self.about, "pruned": {"nodes": nodes, "edges": edges}},
            None if self.ablations is None else _renumbered(self.ablations, listed),
            None if self.traced is None else self.traced.of_nodes(listed),
        )

    def lags(self) -> pa.Table:
        """Share of influence that passes between steps, by lag and by the site that writes.

        Columns: lag, site, kind, share. Shares of all edges but those of the bias sum to 1.
        """
        return influence_by_lag(self.nodes, self.edges)

    def verify(
        self,
        groups: Sequence[Sequence[int]] | None = None,
        count: int = 32,
        seed: int = 0,
        traced: Traced | None = None,
    ) -> Verification:
        """Ablate features in the model and compare the targets' change with the predicted one.

        See `sparsetime.circuits.verify.verify`. traced: for a graph opened without its model.
        """
        from sparsetime.circuits.verify import verify

        return verify(self, traced or self.traced, groups, count, seed)

    def with_verification(self, found: Verification) -> AttributionGraph:
        """The same graph with a verification, which `save` writes and the explorer shows."""
        kept = {
            "rank_correlation": found.rank_correlation,
            "sign_agreement": found.sign_agreement,
            "groups": len(found.table) // max(1, int(self.of_kind(TARGET).sum())),
        }
        about = {**self.about, "verification": kept}
        return replace(self, about=about, ablations=found.table)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a folder or URL: circuit.json, nodes.parquet and weights.safetensors.

        vectors.safetensors holds what features write, so that with the model features can be
        ablated again.
        """
        from sparsetime.circuits.saved import save

        save(self, path)


def _renumbered(ablations: pa.Table, places: Sequence[int]) -> pa.Table:
    """The ablations of groups whose nodes are all kept, by their new numbers."""
    numbers = {old: new for new, old in enumerate(places)}
    rows = [
        {**row, "nodes": [numbers[node] for node in row["nodes"]]}
        for row in ablations.to_pylist()
        if numbers.keys() >= set(row["nodes"])
    ]
    return type(ablations).from_pylist(rows, ablations.schema)


def graph_scores(nodes: pa.Table, weights: Tensor) -> Scores:
    """The scores of a graph from its table and weights."""
    kinds = nodes["kind"].to_pylist()
    values = torch.tensor(nodes["value"].to_pylist(), dtype=torch.float32)
    masks = {kind: torch.tensor([one == kind for one in kinds]) for kind in (ERROR, TOKEN, BIAS)}
    targets = values * torch.tensor([one == TARGET for one in kinds])
    return scores(weights, targets, masks[ERROR], masks[TOKEN], masks[BIAS])
