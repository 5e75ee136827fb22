"""Traced: a model with the input, targets and written vectors of a circuit, for ablations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

if TYPE_CHECKING:
    from sparsetime.circuits.attribution import Sources
    from sparsetime.circuits.targets import TargetVector


@final
@dataclass(frozen=True, eq=False)
class WrittenVectors:
    """What feature nodes write at one site. nodes: their numbers, ascending."""

    nodes: Int[Tensor, " n"]
    vectors: Float[Tensor, "n d"]


@final
@dataclass(frozen=True, eq=False)
class Traced:
    """What a circuit was traced in, as far as ablations of its features need it.

    model; tokens [time]; targets; steps: of every feature node; written: by site what they write.
    """

    model: nn.Module
    tokens: Int[Tensor, " time"]
    targets: Sequence[TargetVector]
    steps: Sequence[int]
    written: Mapping[str, WrittenVectors]

    @staticmethod
    def of_sources(
        model: nn.Module,
        tokens: Int[Tensor, " time"],
        targets: Sequence[TargetVector],
        sources: Sources,
        columns: Int[Tensor, " nodes"],
    ) -> Traced:
        """columns: of every feature node its place among the features of the sources."""
        steps = torch.zeros(len(columns), dtype=torch.int64)
        parts: dict[str, list[WrittenVectors]] = {}
        first = 0
        for features in sources.features:
            count = len(features.steps)
            nodes = ((columns >= first) & (columns < first + count)).nonzero()[:, 0]
            rows = columns[nodes] - first
            steps[nodes] = features.steps[rows].cpu()
            for site, vectors in features.written.items():
                own = vectors[rows].detach()
                # A cross-layer transcoder has a part for each site, of which some are zero.
                writes = own.any(1)
                parts.setdefault(site, []).append(WrittenVectors(nodes[writes], own[writes]))
            first += count
        return Traced(
            model, tokens, targets, steps.tolist(), {s: _joined(own) for s, own in parts.items()}
        )

    def written_by(self, node: int) -> Iterator[tuple[str, int, Float[Tensor, " d"]]]:
        """Where, when and what a feature node writes."""
        for site, written in self.written.items():
            place = int(torch.searchsorted(written.nodes, node))
            if place < len(written.nodes) and int(written.nodes[place]) == node:
                yield site, self.steps[node], written.vectors[place]

    def of_nodes(self, nodes: Sequence[int]) -> Traced:
        """The same for a graph of some of the nodes, ascending; features come first."""
        features = [node for node in nodes if node < len(self.steps)]
        numbers = torch.full((len(self.steps),), -1)
        numbers[features] = torch.arange(len(features))
        written = {}
        for site, own in self.written.items():
            kept = numbers[own.nodes] >= 0
            written[site] = WrittenVectors(numbers[own.nodes[kept]], own.vectors[kept])
        steps = [self.steps[node] for node in features]
        return replace(self, steps=steps, written=written)


def _joined(parts: Sequence[WrittenVectors]) -> WrittenVectors:
    """Those of several dictionaries at one site, by node."""
    nodes = torch.cat([part.nodes for part in parts])
    order = nodes.argsort()
    return WrittenVectors(nodes[order], torch.cat([part.vectors for part in parts])[order])
