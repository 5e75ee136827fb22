"""Echo of an edit after its end: what keys and values carry, and what the chosen words carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.interventions.generate import generate_tokens
from sparsetime.interventions.span import RunFacts, Span
from sparsetime.interventions.spans import steps as steps_span
from sparsetime.statistics.estimate import Estimate, estimate
from sparsetime.steering.effect_passes import EffectPasses, PassResult, Plans
from sparsetime.steering.effect_windows import EffectWindows
from sparsetime.steering.output_divergence import kl_by_step
from sparsetime.steering.response import LagCurve
from sparsetime.steering.site_steering import column


@final
@dataclass(frozen=True)
class Echo:
    """Divergence by lag after the end of an edit that was held while the model wrote.

    With s the steered text and o the model's own continuation of the same prompt, by lag:

        total   = KL(plain on o || edited on s)
        carried = KL(plain on s || edited on s), the same tokens: keys, values or a state
        words   = KL(plain on o || plain on s), the same model: the chosen tokens

    feature: change of the edited feature's activation, edited on s less plain on o. latching: by
    how many steps longer the feature stays active behind the end, edited less plain.
    """

    total: LagCurve
    carried: LagCurve
    words: LagCurve
    feature: LagCurve
    latching: Estimate

    def to_record(self) -> dict[str, Any]:
        """The echo as JSON values."""
        curves = ("total", "carried", "words", "feature")
        return {
            **{name: getattr(self, name).to_record() for name in curves},
            "latching": self.latching.value,
            "latching_interval": self.latching.interval,
        }


def measured_echo(
    passes: EffectPasses,
    plan: Callable[[Span], Plans],
    prompts: Int[Tensor, "windows time"],
    site: str,
    feature: int,
    hold: int,
    lags: int,
    batch: int,
    seed: int,
) -> Echo:
    """Write behind prompts with and without the edit, each most likely token, and compare.

    plan: the edits over a span. site, feature: which is followed. The edit is held for the first
    `hold` steps behind the prompt.
    """
    length = prompts.shape[1]
    held = plan(steps_span(length, length + hold))
    parts = []
    for part in prompts.split(batch):
        own = _written(passes, part, hold + lags + 1, None)
        steered = _written(passes, part, hold + lags + 1, held)
        begins = np.full(len(part), length + hold)
        results = [
            passes.run(EffectWindows(text, begins, lags + 1), edit)
            for text, edit in ((own, None), (steered, None), (steered, held))
        ]
        parts.append(_compared(results, site, feature))
    total, carried, words, change, longer = (
        np.concatenate(values) for values in zip(*parts, strict=True)
    )
    return Echo(
        LagCurve.of(total, seed),
        LagCurve.of(carried, seed),
        LagCurve.of(words, seed),
        LagCurve.of(change, seed),
        estimate(lambda weights: weights @ longer / weights.sum(1), len(longer), seed=seed),
    )


def _written(
    passes: EffectPasses, prompts: Tensor, steps: int, held: Plans | None
) -> Int[Tensor, "windows time"]:
    """Prompts with the most likely continuation, as long in every window."""
    if held is None:
        return _continued(passes, prompts, steps)
    hooks = passes.hooks(held)
    hooks.expect(RunFacts(len(prompts)))
    with hooks:
        return _continued(passes, prompts, steps)


def _continued(passes: EffectPasses, prompts: Tensor, steps: int) -> Tensor:
    chosen = [token.tokens for token in generate_tokens(passes.model, prompts, steps)]
    return torch.cat([prompts.cpu(), torch.stack(chosen, 1)], 1)


def _compared(results: list[PassResult], site: str, feature: int) -> tuple[Any, ...]:
    own, plain, edited = results
    divergences = [
        kl_by_step(one.output, other.output).double().cpu().numpy()
        for one, other in ((own, edited), (plain, edited), (own, plain))
    ]
    before, after = (column(result.codes[site], feature) for result in (own, edited))
    longer = _first_run(after != 0) - _first_run(before != 0)
    return (*divergences, after - before, longer.astype(float))


def _first_run(is_active: Bool[np.ndarray, "windows lags"]) -> Int[np.ndarray, " windows"]:
    """Steps from lag 0 on at which the feature is active without a break."""
    return np.asarray(np.cumprod(is_active, axis=1).sum(1))
