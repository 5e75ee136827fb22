"""Next-token logits of a language model, with a patch at a site."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.errors import DataError, MismatchError
from sparsetime.interventions.patch import Patch, patched
from sparsetime.models.eval_mode import eval_mode


def next_token_logits(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str | None = None,
    replace: Patch | None = None,
    mask: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, "predicted vocabulary"]:
    """The logits of every next token, in at least float32, with `replace(x)` at the site.

    Arguments, mode and gradients: as `next_token_loss`. Errors: DataError where there is nothing
    to predict, or the model gives no logits; MismatchError where site and replace do not come
    together; otherwise those of `patched`.
    """
    if (site is None) != (replace is None):
        raise MismatchError(
            "a site and what replaces its activations go together; give both, or neither"
        )
    batch, time = tokens.shape
    predicted = _predicted(tokens, mask)
    if not bool(predicted.any()):
        raise DataError(
            f"tokens of shape {list(tokens.shape)} have no next token to predict; give sequences "
            f"of at least two tokens that are no padding"
        )
    change = (
        nullcontext()
        if site is None or replace is None
        else patched(model, site, replace, batch, time)
    )
    with _in_evaluation(model), change:
        logits = _logits(_forward(model, tokens, mask), model)
    kept = logits[:, :-1][predicted.to(logits.device)]
    return kept.to(torch.promote_types(kept.dtype, torch.float32))


def next_tokens(
    tokens: Int[Tensor, "batch time"], mask: Bool[Tensor, "batch time"] | None = None
) -> Int[Tensor, " predicted"]:
    """The target tokens of `next_token_logits`, in its order."""
    return tokens[:, 1:][_predicted(tokens, mask)].long()


def _predicted(tokens: Tensor, mask: Tensor | None) -> Bool[Tensor, "batch places"]:
    counted = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
    return counted[:, 1:] & counted[:, :-1]


@contextmanager
def _in_evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, with gradients as the caller has them."""
    gradients = torch.is_grad_enabled()
    with eval_mode(model), torch.set_grad_enabled(gradients):
        yield


def _forward(model: nn.Module, tokens: Tensor, mask: Tensor | None) -> Any:
    device = next(iter(model.parameters()), tokens).device
    parameters = inspect.signature(model.forward).parameters
    keywords: dict[str, Any] = {"use_cache": False} if "use_cache" in parameters else {}
    if mask is not None and "attention_mask" in parameters:
        keywords["attention_mask"] = mask.long().to(device)
    if "input_ids" in parameters:
        return model(input_ids=tokens.to(device), **keywords)
    return model(tokens.to(device), **keywords)


def _logits(output: Any, model: nn.Module) -> Float[Tensor, "batch time vocabulary"]:
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor) or logits.ndim != 3:
        raise DataError(
            f"{type(model).__name__} gives no logits [batch, time, vocabulary]; a next-token loss "
            f"needs a language model with its head, as transformers' AutoModelForCausalLM loads it"
        )
    return logits
