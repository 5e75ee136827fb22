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
from sparsetime.interventions.site_gradients import site_pass
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel

_AT_ONCE = 32  # heads that one pass exchanges, a sequence each


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
    one backward pass for all heads; "patch" one sequence a head.

    tokens, against: a text or tokens [time], of equal length. metric: as in `st.attribute`.

    Source: Nanda 2023, Attribution Patching; Wang et al. 2022, arXiv:2211.00593, for patching.

    Errors: those of `st.attribute` and `attention_heads`.
    """
    if method not in ("gradient", "patch"):
        raise ConfigError(f"got method={method!r}, expected 'gradient' or 'patch'")
    loaded = load_causal_model(model, tokenizer)
    ids, other = (tokens_of(one, loaded.tokenizer)[0] for one in (tokens, against))
    if len(ids) != len(other):
        raise MismatchError(
            f"got {len(ids)} tokens and {len(other)} in against, expected equally many, so that "
            "each step has its counterpart"
        )
    heads = attention_heads(loaded.model, ids)
    sites = [one.site for one in heads]
    measure = output_metric(metric, ids[None], loaded.tokenizer)
    here = site_pass(loaded.model, ids, sites, measure, method == "gradient")
    there = site_pass(
        loaded.model, other, sites, output_metric(metric, other[None], loaded.tokenizer), False
    )
    effects: list[float] = []
    for one in heads:
        change = there.activations[one.site] - here.activations[one.site]
        if method == "gradient":
            parts = (change * here.gradients[one.site])[0].sum(0)
            effects += parts.reshape(one.heads, one.size).sum(1).tolist()
            continue
        for numbers in torch.arange(one.heads).split(_AT_ONCE):
            groups = [{one.site: [int(number)]} for number in numbers]
            values = exchanged_metric(loaded, ids, other, heads, groups, metric)
            effects += (values - here.metric).tolist()
    return NodeEffects(
        effect_table(
            [one.module for one in heads for _ in range(one.heads)],
            ["head"] * len(effects),
            [-1] * len(effects),
            [number for one in heads for number in range(one.heads)],
            effects,
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
    tokens = ids.expand(len(groups), len(ids))
    replace: dict[str, Patch] = {}
    for one in heads:
        masks = torch.zeros(len(groups), one.heads, dtype=torch.bool)
        for row, group in enumerate(groups):
            masks[row, list(group.get(one.site, group.get(one.module, ())))] = True
        if bool(masks.any()):
            replace[one.site] = _exchange(source[one.site], masks.repeat_interleave(one.size, 1))
    measure = output_metric(metric, tokens, loaded.tokenizer)
    return site_pass(loaded.model, tokens, list(replace), measure, False, replace).metric


def _exchange(source: Tensor, mask: Tensor) -> Patch:
    return lambda x: torch.where(mask[:, None, :].to(x.device), source.to(x), x)
