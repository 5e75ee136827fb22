"""Decoder whose atoms are activations of the data."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.errors import ConfigError

_READ_ATOMS = ("orthogonal_pursuit", "gradient_pursuit", "matching_pursuit", "tied")
_TINY = 1e-6


@final
@component("data")
class DataPointDecoder(Decoder):
    """Atoms that are data points: the activations with the largest residuals, scaled to unit norm.

        x̂_n = b + Σ_i z_{n,i} · x_{n(i)} / ||x_{n(i)}||,    n(i): the row chosen as atom i

    No gradient moves an atom. Each batch adds the directions of its worst rows until all places
    are taken: at most `at_once` a batch (None: width / 64, rounded up). Each is chosen after the
    positive projections on those before it are removed, so that two similar rows are not both
    added. An atom whose place is not taken has length zero. The first batch fixes the offset,
    since atoms are directions relative to it.

    weight: [width, d_out]; filled: the number of places taken; bias: [d_out].

    Source: Leask, Nanda, Al Moubayed 2025, Inference-Time Decomposition of Activations (ITDA),
    arXiv:2505.17769. Which rows of a batch are added is written from the abstract.
    """

    from_data = True
    grows_by_rows = True
    weight: Tensor
    filled: Tensor

    divides_rows = False
    undivided = "each new atom is chosen after those before it"

    def __init__(self, width: int, d_out: int, at_once: int | None = None) -> None:
        if at_once is not None and at_once < 1:
            raise ConfigError(
                f"got at_once={at_once}, expected at least 1 atom a batch, or None for width / 64"
            )
        super().__init__(width=width, d_out=d_out, at_once=at_once)
        self.width, self.d_out, self.groups = width, d_out, (width,)
        self._most_a_batch = at_once or -(-width // 64)
        self.register_buffer("weight", torch.zeros(width, d_out))
        self.register_buffer("filled", torch.tensor(0))
        self.register_buffer("bias", torch.zeros(d_out))

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.encoder.kind in _READ_ATOMS:
            return None
        return (
            f"got the encoder {composition.encoder.kind!r}, which has weights of its own, expected "
            "one that reads the atoms, because data atoms are added during training; take "
            f"{' or '.join(map(repr, _READ_ATOMS))}"
        )

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, used until `init_from_data`."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True))
        self.filled.zero_()

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        self.weight.zero_()
        self.filled.zero_()
        self._add_atoms(x, x)

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        self._add_atoms(step.target - self.bias, step.residual)

    def _add_atoms(self, rows: Float[Tensor, "rows d"], residual: Float[Tensor, "rows d"]) -> None:
        """Add the rows of the largest residuals as atoms."""
        residual = residual.clone()
        for _ in range(min(self._most_a_batch, self.width - int(self.filled))):
            worst = residual.square().sum(1).argmax()
            length = rows[worst].norm()
            if residual[worst].norm() <= _TINY or length <= _TINY:
                return
            atom = rows[worst] / length
            self.weight[self.filled] = atom
            self.filled.add_(1)
            residual -= (residual @ atom).relu()[:, None] * atom
            residual[worst] = 0
