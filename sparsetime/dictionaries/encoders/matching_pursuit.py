"""An encoder that explains a row step by step, each time what is still left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.part import part
from sparsetime.kernels import AbsTopK, Rule, Support, TopK
from sparsetime.kernels.precision import selection_dtype

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_UNDERSTOOD = ("top_k", "abs_top_k")


@final
@part("matching_pursuit")
class MatchingPursuitEncoder(Encoder):
    """k times: the atom that has most in common with the residual, and that share taken away.

    The atoms themselves read, and have unit length. An atom that is chosen twice has the sum of
    both shares, so that a row may hold fewer than k latents. k is the sparsifier's: `top_k` takes
    positive shares, `abs_top_k` shares of either sign. Fewer steps give a prefix of more, which is
    how sparsity is adapted after training.

    Source: Mallat, Zhang 1993, Matching Pursuits With Time-Frequency Dictionaries; unrolled as an
    encoder by Costa et al. 2025, From Flat to Hierarchical, arXiv:2506.03093.
    """

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__(d_in=d_in, width=width)
        self.d_in, self.width = d_in, width

    def objection(self, dictionary: Dictionary) -> str | None:
        if dictionary.writes is not None:
            return (
                "matching pursuit takes atoms away from what is read, and these live in the space "
                "of another site; take encoder 'linear'"
            )
        if dictionary.sparsifier.kind not in _UNDERSTOOD:
            return (
                "matching pursuit needs to know how many steps to take: give a sparsifier with a "
                f"k for every row, {' or '.join(map(repr, _UNDERSTOOD))}, in the place of "
                f"{dictionary.sparsifier.kind!r}"
            )
        return None

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        atoms = self.atoms.vectors()
        chosen = chosen_in_turns(x.detach(), atoms.detach(), rule, dtype)
        return _summed(chosen, shares(x, atoms, chosen), self.width)

    @torch.no_grad()
    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return self.selected(x, rule, selection_dtype(x.device))

    @torch.no_grad()
    def select_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        pre = self.all_of(x, latents)
        among = kernels.select_dense(pre - pre.min() + 1, TopK(k))
        return Support(among.offsets, latents[among.indices], self.width)

    def all_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        return x @ kernels.take_rows(self.atoms.vectors(), latents).T

    def at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return kernels.gather_dot(x, self.atoms.vectors(), support)

    def start_from(self, directions: Float[Tensor, "width d"]) -> None:
        """The atoms are the directions already."""


@torch.no_grad()
def chosen_in_turns(
    x: Float[Tensor, "rows d"], atoms: Float[Tensor, "width d"], rule: Rule, dtype: torch.dtype
) -> Int[Tensor, "rows k"]:
    """The atom that every row takes in each of k turns; -1 where no atom helps any more.

    rule: TopK(k) or AbsTopK(k). dtype: what the products that find the largest share are
    multiplied in; exact values decide.
    """
    if not isinstance(rule, TopK | AbsTopK):
        raise TypeError(f"matching pursuit takes a number of steps for every row, not {rule}")
    one = type(rule)(1)
    none = torch.zeros(atoms.shape[0], device=x.device)
    residual = x.clone()
    chosen = torch.full((x.shape[0], rule.k), -1, dtype=torch.int64, device=x.device)
    for turn in range(rule.k):
        best = kernels.select_exactly(residual, atoms, none, one, dtype)
        rows = best.row_of_entry
        if rows.numel() == 0:
            break
        share = kernels.gather_dot(residual, atoms, best)
        residual[rows] -= share[:, None] * atoms[best.indices]
        chosen[rows, turn] = best.indices
    return chosen


def shares(
    x: Float[Tensor, "rows d"], atoms: Float[Tensor, "width d"], chosen: Int[Tensor, "rows k"]
) -> Float[Tensor, "rows k"]:
    """What is taken away in every turn, with the gradients of the unrolled pursuit.

    The share of turn t is `atom_t · (x - sum of earlier shares times their atoms)`: a triangular
    system with the products of the chosen atoms, solved at once in the place of k small steps.
    """
    # Every row's own atoms, [rows, k, d]; the empty turns count as atoms of length zero.
    own = atoms[chosen.clamp_min(0)] * (chosen >= 0)[..., None]
    products = (own @ own.transpose(1, 2)).tril(-1)
    identity = torch.eye(chosen.shape[1], device=x.device)
    direct = own @ x[..., None]
    solved: Tensor = torch.linalg.solve_triangular(
        identity + products, direct, upper=False, unitriangular=True
    )
    return solved.squeeze(2)


def _summed(
    chosen: Int[Tensor, "rows k"], share: Float[Tensor, "rows k"], width: int
) -> tuple[Support, Float[Tensor, " entries"]]:
    """Turns as a code: indices ascend in a row, and each stands once."""
    rows, turns = chosen.shape
    row = torch.arange(rows, device=chosen.device)[:, None].expand(rows, turns)
    taken = chosen >= 0
    place, entry = (row * width + chosen)[taken].unique(return_inverse=True)
    values = share.new_zeros(place.shape[0]).index_add(0, entry, share[taken])
    return Support(offsets_of(place // width, rows), place % width, width), values
