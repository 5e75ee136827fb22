"""Door to torch.nn.MultiheadAttention, whose functional form no torch-function mode can enter."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.attention.mask_ranges import key_range_of
from sparsetime.attention.run import AttentionRun
from sparsetime.key_range import KeyRange


def attach_to_multihead(run: AttentionRun) -> bool:
    """Give every nn.MultiheadAttention a forward of ours; False where there is none."""
    modules = [m for m in run.model.modules() if isinstance(m, nn.MultiheadAttention)]
    if not modules:
        return False
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # it never calls the modules
    for module in modules:
        module.forward = _forward_of(run, module)  # type: ignore[method-assign]

    def undo() -> None:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module in modules:
            vars(module).pop("forward", None)

    run.on_detach(undo)
    return True


def _forward_of(run: AttentionRun, module: nn.MultiheadAttention) -> Any:
    dense = type(module).forward
    path = run.path_of(module)

    def forward(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        why = _unlike(module, query, need_weights)
        if not why:
            out = _sparse(run, module, path, query, key, value, key_padding_mask, attn_mask)
            if out is not None:
                return out, None
        else:
            run.leave_dense(path, why)
        with run.bypassed():
            left: tuple[Tensor, Tensor | None] = dense(
                module, query, key, value, key_padding_mask, need_weights, attn_mask,
                average_attn_weights, is_causal,
            )  # fmt: skip
        return left

    return forward


def _unlike(module: nn.MultiheadAttention, query: Tensor, need_weights: bool) -> str:
    """The reason why a call is left dense; empty where it is not."""
    if need_weights:
        return "the caller asks for attention weights; pass need_weights=False"
    if module.bias_k is not None or module.add_zero_attn:
        return "keys are added to those of the sequence"
    if module.training and module.dropout > 0:
        return "attention weights are dropped in training"
    return "" if query.ndim == 3 else "a sequence without a batch"


def _sparse(
    run: AttentionRun,
    module: nn.MultiheadAttention,
    path: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> Tensor | None:
    """Output [as query] of one call; None where it is left dense."""
    if not module.batch_first:
        query, key, value = (t.transpose(0, 1) for t in (query, key, value))
    q, k, v = (_heads(t, module) for t in _projected(module, query, key, value))
    queries, keys = q.shape[2], k.shape[2]
    readable: KeyRange | str = KeyRange.bidirectional(queries, keys, q.device)
    allowed = _joint_mask(module, key_padding_mask, attn_mask, q.shape[0])
    if allowed is not None:
        readable = key_range_of(allowed, queries, keys)
    if isinstance(readable, str):
        run.leave_dense(path, readable)
        return None
    is_cross = attn_mask is None and queries not in (1, keys)
    out = run.attend(path, q, k, v, readable, q.shape[-1] ** -0.5, is_cross)
    if out is None:
        return None
    joined: Tensor = module.out_proj(out.transpose(1, 2).flatten(2))
    return joined if module.batch_first else joined.transpose(0, 1)


def _projected(
    module: nn.MultiheadAttention, query: Tensor, key: Tensor, value: Tensor
) -> list[Tensor]:
    joint: Tensor | None = module.in_proj_weight
    weights = (
        (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
        if joint is None
        else joint.chunk(3)
    )
    bias: Tensor | None = module.in_proj_bias
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return [
        functional.linear(t, weight, bias)
        for t, weight, bias in zip((query, key, value), weights, biases, strict=True)
    ]


def _heads(values: Tensor, module: nn.MultiheadAttention) -> Tensor:
    heads: Tensor = values.unflatten(2, (module.num_heads, -1)).transpose(1, 2)
    return heads


def _joint_mask(
    module: nn.MultiheadAttention, padding: Tensor | None, mask: Tensor | None, batch: int
) -> Tensor | None:
    """One mask, True where a key is read or additive, of both masks of the module's call."""
    allowed = None
    if mask is not None:
        if mask.ndim == 3:  # one a sequence and head
            mask = mask.unflatten(0, (batch, -1))
        allowed = ~mask if mask.dtype == torch.bool else mask
    if padding is not None:
        padding = padding[:, None, None]
        read = ~padding if padding.dtype == torch.bool else padding == 0
        if allowed is None:
            allowed = read
        elif allowed.dtype == torch.bool:
            allowed = allowed & read
        else:
            allowed = torch.where(read, allowed, -torch.inf)
    return allowed
