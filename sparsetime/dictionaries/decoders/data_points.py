"""Atoms that are activations."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.errors import ConfigError

_READ_ATOMS = ("orthogonal_pursuit", "gradient_pursuit", "matching_pursuit", "tied")
_TINY = 1e-6


@final
@component("data")
class DataPointDecoder(Decoder):
    """The activations that the dictionary so far explains worst, in order, of length one.

    No gradient moves an atom: every batch adds the directions of its worst rows, until all places
    are taken. Of a batch come at most `at_once` (None: one for 64 places), each chosen after the
    share of those before it is taken away, so that two alike do not both come. Until a place is
    taken its atom has length zero. The offset stays where the first batch put it, since atoms are
    directions as seen from there.

    weight: [width, d_out]; filled: the number of places taken; bias: [d_out].

    Source: Leask, Nanda, Al Moubayed 2025, Inference-Time Decomposition of Activations (ITDA),
    arXiv:2505.17769. Which rows of a batch come is written from the abstract.
    """

    from_data = True
    weight: Tensor
    filled: Tensor

    def __init__(self, width: int, d_out: int, at_once: int | None = None) -> None:
        if at_once is not None and at_once < 1:
            raise ConfigError(
                f"a batch adds at least 1 atom, or None for one of 64 places; given: {at_once}"
            )
        super().__init__(width=width, d_out=d_out, at_once=at_once)
        self.width, self.d_out, self.groups = width, d_out, (width,)
        self.at_once = at_once or -(-width // 64)
        self.register_buffer("weight", torch.zeros(width, d_out))
        self.register_buffer("filled", torch.tensor(0))
        self.bias = nn.Parameter(torch.zeros(d_out), requires_grad=False)

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.encoder.kind in _READ_ATOMS:
            return None
        return (
            "data atoms come one by one while training goes on, and an encoder with weights of its "
            f"own, {composition.encoder.kind!r}, would not know of them; take one that reads the "
            f"atoms: {' or '.join(map(repr, _READ_ATOMS))}"
        )

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, which stand until there are data."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True))
        self.filled.zero_()

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        self.weight.zero_()
        self.filled.zero_()
        self._take(x, x)

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        self._take(step.target - self.bias, step.residual)

    def _take(self, rows: Float[Tensor, "rows d"], residual: Float[Tensor, "rows d"]) -> None:
        """The rows of the largest residuals become atoms."""
        residual = residual.clone()
        for _ in range(min(self.at_once, self.width - int(self.filled))):
            worst = residual.square().sum(1).argmax()
            length = rows[worst].norm()
            if residual[worst].norm() <= _TINY or length <= _TINY:
                return
            atom = rows[worst] / length
            self.weight[self.filled] = atom
            self.filled.add_(1)
            residual -= (residual @ atom).relu()[:, None] * atom
            residual[worst] = 0
