"""A k that falls during training, around a sparsifier with a k."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, final

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import checked_k
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.errors import ConfigError
from sparsetime.kernels import AbsTopKRule, BatchTopKRule, Rule, TopKRule


@final
@component("falling_k", example={"inner": {"kind": "top_k", "k": 4}, "first": 8})
class FallingK(SparsifierWrapper):
    """A budget that falls in training from `first` to the k of the inner sparsifier.

        k(t) = round(k + (first - k) max(0, 1 - t / until)),    t: share of training done

    At first many latents are active and learn; later they compete. Inference is the inner
    sparsifier's. until: share of the training after which k stays.

    Source: the annealing of k is practice of the field, in SAELens and in entries to
    SynthSAEBench; the straight line is ours.
    """

    is_stateful = False

    def __init__(self, width: int, inner: dict[str, Any], first: int, until: float = 0.5) -> None:
        if not 0 < until <= 1:
            raise ConfigError(
                f"got until={until}, expected a share of the training above 0 and at most 1"
            )
        super().__init__(width, inner, first=checked_k(first), until=until)
        self.first, self.until = first, until

    @property
    def rule_kind(self) -> str:
        return self.inner.rule_kind

    def incompatibility(self, composition: Composition) -> str | None:
        k = self.inner.settings.get("k")
        if k is None:
            return (
                f"falling_k lowers a k, and the sparsifier {self.inner.kind!r} has none: "
                "put 'top_k' or 'batch_top_k' inside"
            )
        if k > self.first:
            return f"falling_k falls from first={self.first} to k={k}: give a first of at least k"
        return super().incompatibility(composition)

    def training_rule(self, inputs: EncoderInput) -> Rule:
        rule = self.inner.training_rule(inputs)
        assert isinstance(rule, TopKRule | BatchTopKRule | AbsTopKRule)
        left = max(0.0, 1 - inputs.progress / self.until)
        # Selection caps k. `width` is a part's where several processes divide the latents.
        return replace(rule, k=round(rule.k + (self.first - rule.k) * left))
