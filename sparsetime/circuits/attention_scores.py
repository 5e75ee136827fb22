"""Attention scores of one head before the softmax, in a pass with frozen normalisation scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.interventions.frozen_functions import FrozenFunctions
from sparsetime.interventions.model_inputs import batch_and_time, forward_arguments
from sparsetime.interventions.site_exchange import exchange
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.site_tensors import as_batch_time_d, has_row_a_step

_SOFTMAX = (functional.softmax, torch.softmax, torch.Tensor.softmax)


def scores_of_pass(
    model: nn.Module,
    ids: Tensor,
    site: str,
    change: Callable[[Tensor], Tensor],
    frozen: FrozenFunctions,
    module: str,
    head: int,
) -> tuple[Float[Tensor, "queries keys"], Float[Tensor, "1 time d"]]:
    """Scores of a head in a pass that continues with `change(x)` at a site, and what it gave.

    frozen: freezes the scales of normalisation; patterns of earlier attention are constants too.

    Errors: UnknownNameError for a module without attention, ConfigError for a head beyond its
    number.
    """
    arguments, named = forward_arguments(model, ids)
    batch, time = batch_and_time(arguments, named)
    given: list[Tensor] = []

    def visited(tensor: Tensor) -> Tensor:
        x = change(as_batch_time_d(tensor, site, batch, time, advice="choose another site"))
        given.append(x)
        return x.reshape(tensor.shape)

    recorder = _ScoreRecorder(frozen)
    gradients = torch.is_grad_enabled()
    handle = exchange(model, site, visited, has_row_a_step(batch, time))
    try:
        with (
            eval_mode(model),
            torch.set_grad_enabled(gradients),
            frozen.watching(model),
            frozen,
            recorder,
        ):
            model(*arguments, **named)
    finally:
        handle.remove()
    if module not in recorder.scores:
        raise unknown_name("attention module", module, recorder.scores)
    scores = recorder.scores[module]
    scores = scores.reshape(-1, *scores.shape[-2:])
    if not 0 <= head < len(scores):
        raise ConfigError(f"got head {head} of {module!r}, expected 0 to {len(scores) - 1}")
    return scores[head], given[0]


@final
class _ScoreRecorder(TorchFunctionMode):
    """Records by module what its softmax over steps reads; of a fused attention q k^T / sqrt(d)."""

    def __init__(self, frozen: FrozenFunctions) -> None:
        super().__init__()
        self.scores: dict[str, Tensor] = {}
        self._frozen = frozen

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kw = dict(kwargs or {})
        if func in _SOFTMAX:
            x = args[0] if args else kw["input"]
            if x.ndim >= 3:
                self.scores.setdefault(self._frozen.module, x)
        elif func is functional.scaled_dot_product_attention:
            query, key = (
                args[i] if len(args) > i else kw[name] for i, name in enumerate(("query", "key"))
            )
            if key.shape[-3] != query.shape[-3]:  # grouped queries
                key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
            scale = kw.get("scale") or 1 / math.sqrt(query.shape[-1])
            self.scores.setdefault(self._frozen.module, query @ key.mT * scale)
        return func(*args, **kw)
