"""Encoders that explain a row turn by turn, each time what is still left of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoders.chunked import in_tiles
from sparsetime.dictionaries.encoders.dense import largest_among
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.kernels import AbsTopKRule, Rule, Support, TopKRule
from sparsetime.kernels.precision import selection_dtype

_UNDERSTOOD = ("top_k", "abs_top_k")
# Elements of one [rows, k, d] tensor of the atoms that rows take, in use: 16 MB.
_TILE_ELEMENTS = 1 << 22


class PursuitEncoder(Encoder):
    """Pursuit: k turns, each of which selects the atom most correlated with the residual.

    The encoder has no weights of its own: it uses the decoder's atoms, of unit norm. The sparsifier
    sets k: `top_k` for positive coefficients, `abs_top_k` for coefficients of either sign. A kind
    defines how `improved` updates the coefficients of the selected atoms after each turn, from the
    few products of these atoms with each other and with the row.
    """

    #: Whether an atom may be taken in several turns; its coefficients then add up.
    again: ClassVar[bool] = False

    undivided = (
        "it selects the latents of a row one after another, each from what those before it leave"
    )

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width

    @abstractmethod
    def improved(
        self,
        coefficients: Float[Tensor, "rows turns"],
        products: Float[Tensor, "rows turns turns"],
        direct: Float[Tensor, "rows turns"],
        signed: bool,
    ) -> Float[Tensor, "rows turns"]:
        """Coefficients after a turn: the last place is new, its coefficient still zero.

        products: of the atoms taken with each other; direct: with the row. An atom of length zero
        stands where a row takes none. signed: whether coefficients may be negative.
        """

    def finished(
        self, residual: Float[Tensor, "rows d"], chosen: Int[Tensor, "rows turns"]
    ) -> Bool[Tensor, " rows"]:
        """The rows that take no further turn after this one; none where k alone decides."""
        return torch.zeros(residual.shape[0], dtype=torch.bool, device=residual.device)

    def coefficients(
        self,
        products: Float[Tensor, "rows k k"],
        direct: Float[Tensor, "rows k"],
        signed: bool,
    ) -> Float[Tensor, "rows k"]:
        """Strengths after all turns, with the gradients of the unrolled pursuit."""
        coefficients = direct[:, :0]
        for n in range(1, direct.shape[1] + 1):
            coefficients = self.improved(
                pad(coefficients, (0, 1)), products[:, :n, :n], direct[:, :n], signed
            )
        return coefficients

    def incompatibility(self, composition: Composition) -> str | None:
        name = self.kind.replace("_", " ")
        if composition.out_dims is not None:
            return (
                f"{name} takes atoms away from what is read, and these live in the space "
                "of another site; take encoder 'linear'"
            )
        if composition.sparsifier.rule_kind not in _UNDERSTOOD:
            return (
                f"{name} needs to know how many steps to take: give a sparsifier with a "
                f"k for every row, {' or '.join(map(repr, _UNDERSTOOD))}, in the place of "
                f"{composition.sparsifier.kind!r}"
            )
        return None

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        atoms = self.decoder.vectors()
        chosen = self.chosen(x.detach(), atoms.detach(), rule, dtype)
        # Every row's own atoms, [rows, k, d]; the empty turns count as atoms of length zero.
        row_atoms = atoms[chosen.clamp_min(0)] * (chosen >= 0)[..., None]
        direct = (row_atoms @ x[..., None]).squeeze(2)
        coefficients = self.coefficients(
            row_atoms @ row_atoms.transpose(1, 2), direct, isinstance(rule, AbsTopKRule)
        )
        return _summed(chosen, coefficients, self.width)

    @torch.no_grad()
    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        dtype = selection_dtype(x.device)
        rows = _TILE_ELEMENTS // (_turns(rule) * self.d_in)
        return in_tiles(
            lambda tile, tile_rule: self.selected(tile, tile_rule, dtype), x, rule, rows, self.width
        )

    @torch.no_grad()
    def chosen(
        self,
        x: Float[Tensor, "rows d"],
        atoms: Float[Tensor, "width d"],
        rule: Rule,
        dtype: torch.dtype,
    ) -> Int[Tensor, "rows k"]:
        """The atom that every row takes in each of k turns; -1 where it takes none.

        rule: TopK(k) or AbsTopK(k). dtype: what the products that find the most common atom are
        multiplied in; exact values decide.
        """
        k, signed = _turns(rule), isinstance(rule, AbsTopKRule)
        best_of_all: Rule = AbsTopKRule(1) if signed else TopKRule(1)
        none = torch.zeros(atoms.shape[0], device=x.device)
        chosen = torch.full((x.shape[0], k), -1, dtype=torch.int64, device=x.device)
        row_atoms = x.new_zeros(x.shape[0], k, x.shape[1])
        products, coefficients = x.new_zeros(x.shape[0], k, k), x.new_zeros(x.shape[0], 0)
        direct, residual = x.new_zeros(x.shape[0], k), x
        done = torch.zeros(x.shape[0], dtype=torch.bool, device=x.device)
        for turn in range(k):
            best = kernels.select_exactly(residual, atoms, none, best_of_all, dtype)
            open_rows = ~done[best.row_of_entry]
            rows, latents = best.row_of_entry[open_rows], best.indices[open_rows]
            if rows.numel() == 0:
                break
            if not self.again:
                new = (chosen[rows] != latents[:, None]).all(1)
                rows, latents = rows[new], latents[new]
            chosen[rows, turn] = latents
            row_atoms[rows, turn] = atoms[latents]
            n = turn + 1
            products[:, turn, :n] = (row_atoms[:, :n] @ row_atoms[:, turn, :, None]).squeeze(2)
            products[:, :n, turn] = products[:, turn, :n].clone()
            direct[:, turn] = (row_atoms[:, turn] * x).sum(1)
            coefficients = self.improved(
                pad(coefficients, (0, 1)), products[:, :n, :n], direct[:, :n], signed
            )
            residual = x - (coefficients[:, None] @ row_atoms[:, :n]).squeeze(1)
            done = done | self.finished(residual, chosen[:, :n])
        return chosen

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        return largest_among(self.preacts_of(x, latents), latents, k, self.width)

    def preacts_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        return x @ kernels.take_rows(self.decoder.vectors(), latents).T

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return kernels.gather_dot(x, self.decoder.vectors(), support)

    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """The atoms are the directions already."""


def _turns(rule: Rule) -> int:
    if not isinstance(rule, TopKRule | AbsTopKRule):
        raise TypeError(f"a pursuit takes a number of steps for every row, not {rule}")
    return rule.k


def _summed(
    chosen: Int[Tensor, "rows k"], coefficients: Float[Tensor, "rows k"], width: int
) -> tuple[Support, Float[Tensor, " entries"]]:
    """Turns as a code: indices ascend in a row, and each stands once."""
    rows, turns = chosen.shape
    row = torch.arange(rows, device=chosen.device)[:, None].expand(rows, turns)
    taken = chosen >= 0
    place, entry = (row * width + chosen)[taken].unique(return_inverse=True)
    values = coefficients.new_zeros(place.shape[0]).index_add(0, entry, coefficients[taken])
    return Support(offsets_of(place // width, rows), place % width, width), values
