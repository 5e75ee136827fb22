"""Schedule that reuses patterns over the steps of a model that runs on one sequence again."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.schedules.schedule import Schedule
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("reuse")
class Reuse(Schedule):
    """Dense for some steps, then one pattern for the next `every` steps.

        pattern_t = dense                 t < dense
        pattern_t = choose(q_u, K_u)      u = dense + every floor((t - dense) / every)

    For models that run on the same positions again and again, as diffusion models do: patterns of
    other lengths are chosen again. every=0 never chooses again.

    Source: Wang et al. 2025, SparseD: sparse attention for diffusion language models, section 4.
    """

    def __init__(self, dense: int = 0, every: int = 0) -> None:
        if dense < 0 or every < 0:
            raise ConfigError(f"got dense={dense} and every={every}, expected 0 or more")
        super().__init__(dense=dense, every=every)
        self.dense, self.every = dense, every

    def select(
        self, inputs: AttentionInputs, choose: Callable[[AttentionInputs], AttentionPattern]
    ) -> AttentionPattern | None:
        if inputs.step < self.dense:
            return None
        age = inputs.step - self.dense
        kept: AttentionPattern | None = inputs.state.get("reused")
        fits = kept is not None and (kept.queries, kept.keys) == (inputs.queries, inputs.keys)
        if not fits or (self.every and age % self.every == 0):
            inputs.state["reused"] = kept = choose(inputs)
        return kept
