"""Door to any module that calls torch's scaled-dot-product attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from sparsetime.attention.mask_ranges import key_range_of
from sparsetime.attention.run import AttentionRun
from sparsetime.key_range import KeyRange

_OPERATION = functional.scaled_dot_product_attention


class _Calls(TorchFunctionMode):
    """Catches calls of scaled-dot-product attention while the model runs.

    `running` holds the modules whose forward has begun and not ended; the last one called.
    """

    def __init__(self, run: AttentionRun) -> None:
        super().__init__()
        self.run = run
        self.running: list[nn.Module] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func is _OPERATION and not self.run.is_bypassed:
            out = _sparse(self.run, self._caller(), *args, **named)
            if out is not None:
                return out
        return func(*args, **named)

    def _caller(self) -> str:
        return self.run.path_of(self.running[-1] if self.running else None)


def attach_to_calls(run: AttentionRun) -> None:
    """Catch the calls of all modules of the model, during its forward passes alone."""
    mode = _Calls(run)
    depth = [0]

    def begins(module: nn.Module, *_: Any) -> None:
        if module is run.model:
            depth[0] += 1
            if depth[0] == 1:
                mode.__enter__()  # type: ignore[no-untyped-call]
        mode.running.append(module)

    def ends(module: nn.Module, *_: Any) -> None:
        while mode.running and mode.running.pop() is not module:
            pass
        if module is run.model:
            depth[0] -= 1
            if depth[0] == 0:
                mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    handles = []
    for module in run.model.modules():
        handles.append(module.register_forward_pre_hook(begins))
        # A pass that fails must leave the mode, too.
        handles.append(module.register_forward_hook(ends, always_call=True))

    def undo() -> None:
        for handle in handles:
            handle.remove()

    run.on_detach(undo)


def _sparse(
    run: AttentionRun,
    path: str,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor | None:
    """The output in place of torch's; None where the call is left dense."""
    queries, keys = query.shape[-2], key.shape[-2]
    if query.ndim not in (3, 4) or query.is_nested:
        run.leave_dense(path, f"got queries of {query.ndim} axes, expected 3 or 4")
        return None
    if dropout_p > 0:
        run.leave_dense(path, "attention weights are dropped in training")
        return None
    if attn_mask is not None:
        readable = key_range_of(attn_mask, queries, keys)
        if isinstance(readable, str):
            run.leave_dense(path, readable)
            return None
    elif is_causal:
        readable = KeyRange.causal_from_start(queries, keys, query.device)
    else:
        readable = KeyRange.bidirectional(queries, keys, query.device)
    flat = query.ndim == 3  # [batch, time, d] has one head
    q, k, v = (t[:, None] if flat else t for t in (query, key, value))
    is_cross = attn_mask is None and not is_causal and queries not in (1, keys)
    out = run.attend(
        path, q, k, v, readable, q.shape[-1] ** -0.5 if scale is None else scale, is_cross
    )
    return out[:, 0] if flat and out is not None else out
