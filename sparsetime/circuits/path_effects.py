"""Path patching: effects of attention heads along paths that avoid all other heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.circuits.head_effects import (
    effects_by_gradient,
    effects_of_heads,
    heads_and_tokens,
)
from sparsetime.circuits.metrics import MetricLike, output_metric
from sparsetime.circuits.node_effects import NodeEffects
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.interventions.attention_heads import HeadSite
from sparsetime.interventions.patch import Patch
from sparsetime.interventions.site_gradients import SitePass, site_pass
from sparsetime.models.load import LoadedModel

_AT_ONCE = 32  # senders that one pass exchanges, a sequence each


def path_effects(
    model: str | Path | nn.Module | LoadedModel,
    tokens: Any,
    against: Any,
    metric: MetricLike,
    *,
    through: Mapping[str, Sequence[int]] | None = None,
    method: str = "gradient",
    tokenizer: Any = None,
) -> NodeEffects:
    """The effect of each head on a metric along the paths that pass no other head.

        direct: exchange z_h for z'_h; every other head keeps its output
        through R: exchange z_h for z'_h; heads R read what changed, every other one keeps its
                   output; less the direct effect

    z_h: what the head gives its layer's output projection, z'_h: on the other input. `head_effects`
    counts all paths together.

    tokens, against, metric: as in `st.attribute`. through: by attention module the numbers of the
    heads R, such as {"model.layers.20.self_attn": [3]}; None for direct effects. method: "patch"
    exchanges each head; "gradient" estimates all of them by one backward pass:

        effect = sum over steps of d metric / d z_h · (z'_h - z_h),  other heads' outputs fixed

    Source: Wang et al. 2022, Interpretability in the Wild, arXiv:2211.00593, section 3.1;
    Goldowsky-Dill et al. 2023, Localizing Model Behavior with Path Patching, arXiv:2304.05969.

    Errors: those of `head_effects`; UnknownNameError for a module in `through` without heads, and
    ConfigError for a head beyond its number.
    """
    if method not in ("gradient", "patch"):
        raise ConfigError(f"got method={method!r}, expected 'gradient' or 'patch'")
    loaded, ids, other, heads = heads_and_tokens(model, tokens, against, tokenizer)
    receivers = _receivers(heads, through or {})
    sites = [one.site for one in heads]
    plain = output_metric(metric, other[None], loaded.tokenizer)
    there = site_pass(loaded.model, other, sites, plain, False)
    here = site_pass(
        loaded.model, ids, sites, output_metric(metric, ids[None], loaded.tokenizer), False
    )
    run = _Paths(loaded, ids, heads, here, there, metric)
    measure = run.estimated if method == "gradient" else run.measured
    effects = measure({})
    if receivers:
        effects = measure(receivers) - effects
    return effects_of_heads(heads, effects.tolist(), method, here, there)


@final
class _Paths:
    """Passes in which all heads but some keep their outputs."""

    def __init__(
        self,
        loaded: LoadedModel,
        ids: Tensor,
        heads: Sequence[HeadSite],
        here: SitePass,
        there: SitePass,
        metric: MetricLike,
    ) -> None:
        self._loaded, self._ids, self._heads = loaded, ids, heads
        self._here, self._there, self._metric = here, there, metric

    def estimated(self, receivers: Mapping[str, Tensor]) -> Tensor:
        """Effects of all heads, [heads], by the gradient along the paths."""
        sites = [one.site for one in self._heads]
        replace: dict[str, Patch] = {
            one.site: _fixed_but(receivers.get(one.site), one) for one in self._heads
        }
        measure = output_metric(self._metric, self._ids[None], self._loaded.tokenizer)
        found = site_pass(self._loaded.model, self._ids, sites, measure, True, replace)
        there = self._there.activations
        # Nothing is exchanged, so that activations are those of the model as it is.
        return torch.cat([effects_by_gradient(one, found, there[one.site]) for one in self._heads])

    def measured(self, receivers: Mapping[str, Tensor]) -> Tensor:
        """Effects of all heads, [heads], each exchanged in a sequence of its own."""
        numbered = [(one.site, number) for one in self._heads for number in range(one.heads)]
        values = []
        for first in range(0, len(numbered), _AT_ONCE):
            some = numbered[first : first + _AT_ONCE]
            tokens = self._ids.expand(len(some), len(self._ids))
            replace: dict[str, Patch] = {}
            for one in self._heads:
                sent = torch.zeros(len(some), one.heads, dtype=torch.bool)
                for row, (site, number) in enumerate(some):
                    sent[row, number] = site == one.site
                replace[one.site] = self._exchanged(one, sent, receivers.get(one.site))
            measure = output_metric(self._metric, tokens, self._loaded.tokenizer)
            found = site_pass(self._loaded.model, tokens, list(replace), measure, False, replace)
            values.append(found.metric)
        return torch.cat(values) - self._here.metric

    def _exchanged(self, one: HeadSite, sent: Tensor, free: Tensor | None) -> Patch:
        """The outputs of an attention module: senders' of the other input, receivers' as they are.

        sent: [sequences, heads]; free: [heads], of the receivers.
        """
        here, there = self._here.activations[one.site], self._there.activations[one.site]
        mask = sent.repeat_interleave(one.size, 1)[:, None, :]
        kept = torch.ones(one.heads, dtype=torch.bool) if free is None else ~free
        fixed = kept.repeat_interleave(one.size)

        def patch(x: Tensor) -> Tensor:
            own = torch.where(fixed.to(x.device), here.to(x).expand_as(x), x)
            return torch.where(mask.to(x.device), there.to(x), own)

        return patch


def _fixed_but(free: Tensor | None, one: HeadSite) -> Patch:
    """Outputs of heads without gradient, but those of the receivers."""
    if free is None:
        return lambda x: x.detach()
    mask = free.repeat_interleave(one.size)
    return lambda x: torch.where(mask.to(x.device), x, x.detach())


def _receivers(
    heads: Sequence[HeadSite], through: Mapping[str, Sequence[int]]
) -> dict[str, Tensor]:
    """By site which heads are receivers, [heads]."""
    by_module = {one.module: one for one in heads}
    found = {}
    for module, numbers in through.items():
        if module not in by_module:
            raise unknown_name("attention module", module, by_module)
        one = by_module[module]
        if beyond := [number for number in numbers if not 0 <= number < one.heads]:
            raise ConfigError(f"got head {beyond[0]} of {module!r}, expected 0 to {one.heads - 1}")
        free = torch.zeros(one.heads, dtype=torch.bool)
        free[list(numbers)] = True
        found[one.site] = free
    return found
