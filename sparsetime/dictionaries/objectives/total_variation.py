"""Total variation over time of the first group of latents."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term

_TINY = 1e-12


@final
@component("total_variation", example={"weight": 0.1})
class TotalVariation(Term):
    """Relative total variation over time of the first group of latents.

        loss = Σ_{t, i} |z_{t,i} - z_{t-1,i}| / Σ_{t, i} (|z_{t,i}| + |z_{t-1,i}|)

    Sums run over the steps that have a step before them in their segment. The loss is 0 where all
    values stay and 1 where none do. A latent that stays active costs nothing however long it does,
    and one that flickers pays at every change, so training decides which latents dwell and how
    long. A ratio is used because the bare sum is smallest for latents that never fire.

    Source: Tibshirani et al. 2005, Sparsity and smoothness via the fused lasso, JRSS B 67, for the
    total variation; the ratio, and its use on latents of a dictionary, are this library's.
    """

    needs = frozenset({"segments"})
    latent_tensors = frozenset()
    group_names = ("slow", "fast")

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if len(composition.groups) > 1:
            return None
        return (
            "got a decoder with one group of latents, expected two or more for the term "
            "'total_variation', which slows the first group alone; give the decoder `groups`, such "
            "as a fifth of the width and the width"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        segments = required(step.batch.segments, "segments")
        later = (segments.position > 0).nonzero()[:, 0]
        if not later.numel():
            return step.values.new_zeros(())
        slow = step.code.prefix(step.decoder.groups[0])
        now, before = slow.take(later), slow.take(later - 1)
        earlier, _ = in_partner(now, before)
        _, stayed = in_partner(before, now)
        turned_off = before.values.abs() * ~stayed
        changed = (now.values - earlier).abs().sum() + turned_off.sum()
        total = now.values.abs().sum() + before.values.abs().sum()
        over_latents = step.partition.over_latents
        return over_latents(changed) / over_latents(total).clamp_min(_TINY)
