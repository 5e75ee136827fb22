"""What a change at a site costs a language model, and which way its loss falls there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.errors import DataError, MismatchError
from sparsetime.interventions.splice import Replace, replacing
from sparsetime.models.evaluating import evaluating


def next_token_loss(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str | None = None,
    replace: Replace | None = None,
    mask: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, ""]:
    """The mean cross-entropy of every next token in nats, with `replace(x)` at the site.

    tokens: as the model takes them, special tokens included. replace: given the activations
    [batch, time, d] of the site and to give as many; without it the model runs as it is. mask:
    False for padding, which is neither attended to nor predicted.

    The model runs in evaluation mode and is left as it was. Gradients flow into whatever `replace`
    computes with, unless the caller turned them off (`torch.no_grad`).

    Errors: DataError where there is nothing to predict, or the model gives no logits;
    MismatchError where site and replace do not come together; otherwise those of `replacing`.
    """
    return _losses(model, tokens, site, replace, mask).mean()


def loss_gradients(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str,
    mask: Bool[Tensor, "batch time"] | None = None,
) -> tuple[Float[Tensor, "batch time d"], Float[Tensor, "batch time d"]]:
    """The activations of the site, and the gradient there of the summed next-token loss in nats.

    It is of the sum and not of the mean, so that a sequence's gradient does not depend on what it
    is batched with. The model's own gradients stay untouched. Errors: as `next_token_loss`.
    """
    kept: list[Tensor] = []

    def leaf(x: Tensor) -> Tensor:
        kept.append(x.detach().clone().requires_grad_())
        return kept[0]

    with torch.enable_grad():
        total = _losses(model, tokens, site, leaf, mask).sum()
        (gradient,) = torch.autograd.grad(total, kept)
    return kept[0].detach(), gradient


def _losses(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str | None,
    replace: Replace | None,
    mask: Bool[Tensor, "batch time"] | None,
) -> Float[Tensor, " predicted"]:
    """The loss of every token that is predicted, in nats."""
    if (site is None) != (replace is None):
        raise MismatchError(
            "a site and what replaces its activations go together; give both, or neither"
        )
    batch, time = tokens.shape
    counted = torch.ones_like(tokens, dtype=torch.bool) if mask is None else mask
    if time < 2 or not bool((counted[:, 1:] & counted[:, :-1]).any()):
        raise DataError(
            f"tokens of shape {list(tokens.shape)} have no next token to predict; give sequences "
            f"of at least two tokens that are no padding"
        )
    change = (
        nullcontext()
        if site is None or replace is None
        else replacing(model, site, replace, batch, time)
    )
    with _in_evaluation(model), change:
        logits = _logits(_called(model, tokens, mask), model)
    picked = (counted[:, 1:] & counted[:, :-1]).to(logits.device)
    wanted = tokens[:, 1:].to(logits.device)[picked].long()
    kept = logits[:, :-1][picked]
    kept = kept.to(torch.promote_types(kept.dtype, torch.float32))
    return nn.functional.cross_entropy(kept, wanted, reduction="none")


@contextmanager
def _in_evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, with gradients as the caller has them."""
    wanted = torch.is_grad_enabled()
    with evaluating(model), torch.set_grad_enabled(wanted):
        yield


def _called(model: nn.Module, tokens: Tensor, mask: Tensor | None) -> Any:
    like = next(iter(model.parameters()), tokens)
    known = inspect.signature(model.forward).parameters
    keywords: dict[str, Any] = {"use_cache": False} if "use_cache" in known else {}
    if mask is not None and "attention_mask" in known:
        keywords["attention_mask"] = mask.long().to(like.device)
    if "input_ids" in known:
        return model(input_ids=tokens.to(like.device), **keywords)
    return model(tokens.to(like.device), **keywords)


def _logits(output: Any, model: nn.Module) -> Float[Tensor, "batch time vocabulary"]:
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if not isinstance(logits, Tensor) or logits.ndim != 3:
        raise DataError(
            f"{type(model).__name__} gives no logits [batch, time, vocabulary]; a next-token loss "
            f"needs a language model with its head, as transformers' AutoModelForCausalLM loads it"
        )
    return logits
