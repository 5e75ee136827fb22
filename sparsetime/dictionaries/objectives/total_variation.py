"""Strengths of the slow part should stay as they are."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term

_TINY = 1e-12


@final
@component("total_variation", example={"weight": 0.1})
class TotalVariation(Term):
    """The share of its strength that the first group of latents changes from step to step.

    The sum of |strength - strength one step before| over the sum of both strengths, over all steps
    that have one before them: 0 where all that is on stays as it is, 1 where nothing does. A latent
    that stays on costs nothing however long it stays, and one that flickers pays at every turn: so
    the training chooses which latents dwell, and for how long. It is a share, since the bare sum is
    made small most easily by latents that are never on.

    Source: Tibshirani et al. 2005, Sparsity and smoothness via the fused lasso, JRSS B 67, for the
    total variation; the share, and latents of a dictionary, are this library's.
    """

    needs = frozenset({"segments"})
    group_names = ("slow", "fast")

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if len(composition.groups) > 1:
            return None
        return (
            "the term 'total_variation' slows the first group of latents, and there is one group "
            "only, so that nothing could follow what changes: give the atoms groups, such as a "
            "fifth of the width and the width"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        segments = required(step.batch.segments, "segments")
        later = (segments.position > 0).nonzero()[:, 0]
        if not later.numel():
            return step.values.new_zeros(())
        slow = step.code.prefix(step.decoder.groups[0])
        now, before = slow.take(later), slow.take(later - 1)
        there, _ = in_partner(now, before)
        _, stayed = in_partner(before, now)
        turned_off = before.values.abs() * ~stayed
        changed = (now.values - there).abs().sum() + turned_off.sum()
        return changed / (now.values.abs().sum() + before.values.abs().sum()).clamp_min(_TINY)
