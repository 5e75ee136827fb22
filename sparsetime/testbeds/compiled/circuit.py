"""Circuit: which component of a model reads what which other component writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

TOKENS, POSITIONS, OUTPUT = "token_embedding", "position_embedding", "unembedding"


class Edge(NamedTuple):
    """An edge: `target` reads what `source` writes, by a channel.

    channel: "query", "key" or "value" of a head, "input" of an MLP or of the unembedding.
    """

    source: str
    target: str
    channel: str

    @property
    def site(self) -> str:
        """The site that the channel reads, such as `layers.0.heads.1.query:input`."""
        module = self.target if self.channel == "input" else f"{self.target}.{self.channel}"
        return f"{module}:input"


class StepEdge(NamedTuple):
    """An edge between components at two time steps, which differ where a head moves something."""

    source: str
    source_step: int
    target: str
    target_step: int
    channel: str


@final
@dataclass(frozen=True)
class Variable:
    """A variable of the residual stream, in orthogonal directions of its own.

    size: how many values it has, one direction each. written_by: the component. read_by: the edges
    that read it. on_circuit: whether one of them leads to the output.
    """

    name: str
    size: int
    written_by: str
    read_by: tuple[Edge, ...]
    on_circuit: bool


@final
@dataclass(frozen=True, eq=False)
class Circuit:
    """The true circuit of a compiled model.

    writes: the variable that each component writes, by its site, in the order of computation.
    reads: by component and channel the variables that are read. The unembedding reads the output.
    """

    writes: Mapping[str, str]
    reads: Mapping[str, Mapping[str, tuple[str, ...]]]
    sizes: Mapping[str, int]

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Components in the order of computation, the unembedding last."""
        return (*self.writes, OUTPUT)

    @cached_property
    def candidates(self) -> tuple[Edge, ...]:
        """Every edge that the architecture allows: to all later components, by all channels."""
        return tuple(
            Edge(source, target, channel)
            for target in self.nodes
            for channel in self.reads.get(target, {})
            for source in self.writes
            if _stage(source) < _stage(target)
        )

    @cached_property
    def edges(self) -> frozenset[Edge]:
        """The true edges: what is written is read, and leads to the output."""
        read = [edge for edge in self.candidates if self._is_read(edge)]
        leads = {OUTPUT}
        for node in reversed(self.nodes):
            if any(edge.source == node and edge.target in leads for edge in read):
                leads.add(node)
        return frozenset(edge for edge in read if edge.target in leads)

    @cached_property
    def on_circuit(self) -> Mapping[str, bool]:
        """Whether each component but the unembedding leads to the output."""
        sources = {edge.source for edge in self.edges}
        return {node: node in sources for node in self.writes}

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable, in the order of its directions."""
        return tuple(
            Variable(
                name,
                self.sizes[name],
                node,
                tuple(e for e in self.candidates if e.source == node and self._is_read(e)),
                self.on_circuit[node],
            )
            for node, name in self.writes.items()
        )

    def _is_read(self, edge: Edge) -> bool:
        return self.writes.get(edge.source) in self.reads[edge.target].get(edge.channel, ())


def _stage(node: str) -> tuple[int, int]:
    """When a component is computed: heads of a layer at once, its MLP after them."""
    if node in (TOKENS, POSITIONS):
        return -1, 0
    if node == OUTPUT:
        return 1 << 30, 0
    _, layer, kind, *_ = node.split(".")
    return int(layer), 1 if kind == "mlp" else 0
