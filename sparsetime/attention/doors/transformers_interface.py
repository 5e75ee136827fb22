"""Door to transformers models: one attention function and its mask function, registered together.

A model whose implementation has no mask function gets no mask at all, without a word. So both are
registered at once, and the mask function is that of `sdpa`: what it returns is read back as ranges
of keys, or the call is left to torch with the mask.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from sparsetime.attention.mask_ranges import key_range_of
from sparsetime.attention.run import AttentionRun
from sparsetime.key_range import KeyRange

NAME = "sparsetime"
# Arguments of attention functions that change scores in ways a pattern does not express.
_UNLIKE = {
    "softcap": "scores are capped",
    "s_aux": "the softmax has learned sinks",
    "position_bias": "a bias is added to the scores",
}
_runs: WeakKeyDictionary[nn.Module, AttentionRun] = WeakKeyDictionary()


def attach_to_transformers(run: AttentionRun) -> bool:
    """Attach a run to a transformers model; False where the model has no such interface."""
    if not _has_interface(run.model):
        return False
    _register()
    configs = _configs(run.model)
    before = {id(config): config._attn_implementation for config in configs}
    modules = list(run.model.modules())
    for module in modules:
        _runs[module] = run
    for config in configs:
        config._attn_implementation = NAME

    def undo() -> None:
        for config in configs:
            config._attn_implementation = before[id(config)]
        for module in modules:
            _runs.pop(module, None)

    run.on_detach(undo)
    return True


def _has_interface(model: nn.Module) -> bool:
    transformers = sys.modules.get("transformers")
    if transformers is None or not isinstance(model, transformers.PreTrainedModel):
        return False
    return bool(getattr(model, "_supports_attention_backend", False))


def _configs(model: nn.Module) -> list[Any]:
    """The configs of a model and its parts, each once."""
    configs: dict[int, Any] = {}
    for module in model.modules():
        config = getattr(module, "config", None)
        if hasattr(config, "_attn_implementation"):
            configs[id(config)] = config
    return list(configs.values())


@cache
def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionMaskInterface.register(NAME, sdpa_mask)
    AttentionInterface.register(NAME, _forward)


def _forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention function of transformers: [batch, queries, heads, d] and no weights."""
    run = _runs.get(module)
    if run is not None:
        path = run.path_of(module)
        why = next((text for name, text in _UNLIKE.items() if others.get(name) is not None), "")
        if dropout > 0:
            why = "attention weights are dropped in training"
        causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
        readable = _readable(query, key, attention_mask, causal)
        if not why and isinstance(readable, KeyRange):
            scale = query.shape[-1] ** -0.5 if scaling is None else scaling
            is_cross = not causal and query.shape[2] != key.shape[2]
            out = run.attend(path, query, key, value, readable, scale, is_cross)
            if out is not None:
                return out.transpose(1, 2).contiguous(), None
        else:
            run.leave_dense(path, why or str(readable))
    with run.bypassed() if run is not None else nullcontext():
        return _dense(
        module, query, key, value, attention_mask,
        dropout=dropout, scaling=scaling, is_causal=is_causal, **others,
    )  # fmt: skip


def _readable(query: Tensor, key: Tensor, mask: Tensor | None, causal: bool) -> KeyRange | str:
    queries, keys = query.shape[2], key.shape[2]
    if mask is not None:
        return key_range_of(mask[..., :keys], queries, keys)
    if causal and queries > 1:
        return KeyRange.causal_from_start(queries, keys, query.device)
    return KeyRange.bidirectional(queries, keys, query.device)


def _dense(module: nn.Module, *arguments: Any, **named: Any) -> tuple[Tensor, Tensor | None]:
    """The model's own attention: torch's, or the eager one where torch's lacks a term."""
    from transformers import AttentionInterface

    if any(named.get(name) is not None for name in ("softcap", "s_aux")):
        eager = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
        if eager is not None:
            query, key, value, mask = arguments
            out: tuple[Tensor, Tensor | None] = eager(
                module, query, key, value, _additive(query, key, mask), **named
            )
            return out
    torch_attention = AttentionInterface()["sdpa"]
    dense: tuple[Tensor, Tensor | None] = torch_attention(module, *arguments, **named)
    return dense


def _additive(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """The mask that eager attention adds to scores."""
    if mask is None:
        allowed = _readable(query, key, None, causal=True)
        mask = allowed.allowed() if isinstance(allowed, KeyRange) else None
    if mask is None or mask.dtype != torch.bool:
        return mask  # type: ignore[return-value]
    bias = torch.zeros(mask.shape, dtype=query.dtype, device=query.device)
    return bias.masked_fill_(~mask, torch.finfo(query.dtype).min)
