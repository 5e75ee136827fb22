"""Steps at equal distances, whatever they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.time_rules.time_rule import TimeRule, TimeState


@final
@component("clock")
class ClockRule(TimeRule):
    """A step is computed at a fixed rate, and skipped otherwise: what rules of content must beat.

        h_t = x_t where floor((t + 1) r) > floor(t r), and at t = 0, otherwise h_(t-1)

    r is the share that is computed.

    Source: none; the baseline of rules that read what changes.
    """

    reads_data: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()

    def calibrated(
        self, x: Float[Tensor, "sequences time d"] | None, sparsity: float
    ) -> dict[str, Tensor]:
        del x
        return {"rate": torch.tensor(1 - sparsity, dtype=torch.float64)}

    def passed(
        self,
        x: Float[Tensor, "batch time d"],
        learnt: Mapping[str, Tensor],
        state: TimeState | None,
    ) -> tuple[Float[Tensor, "batch time d"], TimeState]:
        begin = 0 if state is None else int(state["step"][0])
        steps = torch.arange(begin, begin + x.shape[1] + 1, dtype=torch.float64)
        is_due = (steps * learnt["rate"].double().cpu()).floor().diff() > 0
        values, held = [], None if state is None else state["held"]
        for step, due in zip(x.unbind(1), is_due.tolist(), strict=True):
            held = step if due or held is None else held
            values.append(held)
        counted = torch.full((len(x),), begin + x.shape[1])
        return torch.stack(values, 1), {"held": values[-1].detach(), "step": counted}
