"""Effects of all attention heads on a metric: attribution patching and activation patching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.circuits.metrics import MetricLike, output_metric
from sparsetime.circuits.node_effects import NodeEffects, effect_table
from sparsetime.circuits.targets import tokens_of
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.interventions.attention_heads import HeadSite, attention_heads
from sparsetime.interventions.patch import Patch
from sparsetime.interventions.site_gradients import SitePass, site_pass
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

_AT_ONCE = 32  # groups of heads that one pass exchanges, a sequence each


def head_effects(
    model: str | Path | nn.Module | LoadedModel,
    tokens: Any,
    against: Any,
    metric: MetricLike,
    *,
    method: str = "gradient",
    tokenizer: Any = None,
) -> NodeEffects:
    """The effect on a metric of exchanging each head's output, at all steps, for another input's.

        gradient: effect of head h = sum over steps of d metric / d z_h · (z'_h - z_h)
        patch: the metric with z'_h in place of z_h, less the metric

    z_h: what the head gives its layer's output projection. "gradient" takes two forward passes and
    one backward pass for all heads; "patch" one sequence a head besides.

    tokens, against: a text or tokens [time], of equal length. metric: as in `st.attribute`.

    Source: Nanda 2023, Attribution Patching; Wang et al. 2022, arXiv:2211.00593, for patching.

    Errors: those of `st.attribute` and `attention_heads`.
    """
    if method not in ("gradient", "patch"):
        raise ConfigError(f"got method={method!r}, expected 'gradient' or 'patch'")
    loaded, ids, other, heads = heads_and_tokens(model, tokens, against, tokenizer)
    sites = [one.site for one in heads]
    measure = output_metric(metric, ids[None], loaded.tokenizer)
    here = site_pass(loaded.model, ids, sites, measure, method == "gradient")
    there = site_pass(
        loaded.model, other, sites, output_metric(metric, other[None], loaded.tokenizer), False
    )
    if method == "gradient":
        effects = [
            effect
            for one in heads
            for effect in effects_by_gradient(one, here, there.activations[one.site]).tolist()
        ]
    else:
        groups = [{one.site: [number]} for one in heads for number in range(one.heads)]
        values = _exchanged(loaded, ids, there.activations, heads, groups, metric)
        effects = (values - here.metric).tolist()
    return effects_of_heads(heads, effects, method, here, there)


def heads_and_tokens(
    model: str | Path | nn.Module | LoadedModel, tokens: Any, against: Any, tokenizer: Any
) -> tuple[LoadedModel, Tensor, Tensor, list[HeadSite]]:
    """The model, both inputs as tokens [time], and the model's heads.

    Errors: MismatchError for inputs of different lengths.
    """
    loaded = load_causal_model(model, tokenizer)
    ids, other = (tokens_of(one, loaded.tokenizer)[0] for one in (tokens, against))
    if len(ids) != len(other):
        raise MismatchError(
            f"got {len(ids)} tokens and {len(other)} in against, expected equally many, so that "
            "each step has its counterpart"
        )
    return loaded, ids, other, attention_heads(loaded.model, ids)


def effects_of_heads(
    heads: Sequence[HeadSite],
    effects: Sequence[float],
    method: str,
    here: SitePass,
    there: SitePass,
) -> NodeEffects:
    """Effects of all heads, in the order of the pass, as a table; here, there: both inputs."""
    numbered = [(one, number) for one in heads for number in range(one.heads)]
    return NodeEffects(
        effect_table(
            [one.module for one, _ in numbered],
            ["head"] * len(numbered),
            [-1] * len(numbered),
            [number for _, number in numbered],
            list(effects),
        ),
        method,
        float(here.metric[0]),
        float(there.metric[0]),
    )


def exchanged_metric(
    loaded: LoadedModel,
    ids: Tensor,
    other: Tensor,
    heads: Sequence[HeadSite],
    groups: Sequence[Mapping[str, Sequence[int]]],
    metric: MetricLike,
) -> Tensor:
    """The metric with groups of heads exchanged for those of another input, [groups].

    groups: the numbers of the heads by their site, or by their module.
    """
    sites = [one.site for one in heads]
    plain = output_metric(metric, other[None], loaded.tokenizer)
    source = site_pass(loaded.model, other, sites, plain, False).activations
    return _exchanged(loaded, ids, source, heads, groups, metric)


def effects_by_gradient(one: HeadSite, here: SitePass, there: Tensor) -> Tensor:
    """Effects of the heads of a module, [heads]: gradient times difference, summed over steps."""
    parts = ((there - here.activations[one.site]) * here.gradients[one.site])[0].sum(0)
    return parts.reshape(one.heads, one.size).sum(1)


def _exchanged(
    loaded: LoadedModel,
    ids: Tensor,
    source: Mapping[str, Tensor],
    heads: Sequence[HeadSite],
    groups: Sequence[Mapping[str, Sequence[int]]],
    metric: MetricLike,
) -> Tensor:
    """The metric with groups of heads exchanged for those in `source`, some groups a pass."""
    values = []
    for first in range(0, len(groups), _AT_ONCE):
        some = groups[first : first + _AT_ONCE]
        tokens = ids.expand(len(some), len(ids))
        replace: dict[str, Patch] = {}
        for one in heads:
            masks = torch.zeros(len(some), one.heads, dtype=torch.bool)
            for row, group in enumerate(some):
                masks[row, list(group.get(one.site, group.get(one.module, ())))] = True
            if bool(masks.any()):
                mask = masks.repeat_interleave(one.size, 1)
                replace[one.site] = _exchange(source[one.site], mask)
        measure = output_metric(metric, tokens, loaded.tokenizer)
        values.append(
            site_pass(loaded.model, tokens, list(replace), measure, False, replace).metric
        )
    return torch.cat(values)


def _exchange(source: Tensor, mask: Tensor) -> Patch:
    return lambda x: torch.where(mask[:, None, :].to(x.device), source.to(x), x)
