"""Next-token logits of a language model, with a patch at a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.errors import DataError, MismatchError
from sparsetime.interventions.generate import logits_of
from sparsetime.interventions.padding import PaddingLast
from sparsetime.interventions.patch import Patch, patched
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.forward_signature import forward_parameters, takes_argument
from sparsetime.tensors import ArrayLike, as_mask, as_tensor, as_tokens

#: Steps that a splice passes through: a mask [batch, time], or the numbers of tokens.
Keep: TypeAlias = ArrayLike


def next_token_logits(
    model: nn.Module,
    tokens: ArrayLike,
    site: str | None = None,
    replace: Patch | None = None,
    mask: ArrayLike | None = None,
    keep: Keep | None = None,
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
    ids, real = _checked(tokens, mask)
    batch, time = ids.shape
    padding = None if real is None or bool(real.all()) else PaddingLast(real)
    read = ids if padding is None else padding.moved(ids)
    attended = None if real is None or padding is None else padding.moved(real)
    predicted = _predicted(read, attended)
    if not bool(predicted.any()):
        raise DataError(
            f"tokens of shape {list(ids.shape)} have no next token to predict; give sequences "
            f"of at least two tokens that are no padding"
        )
    change: AbstractContextManager[None] = nullcontext()
    if site is not None and replace is not None:
        patch = replace if padding is None else padding.around(replace)
        kept = kept_steps(ids, keep)
        if kept is not None and padding is not None:
            kept = padding.moved(kept)
        change = patched(model, site, patch, batch, time, kept)
    with _in_evaluation(model), change:
        logits = logits_of(_forward(model, read, attended), model)
    if attended is not None and not takes_argument(model, "attention_mask"):
        _check_causal(model, read, attended)
    rows = logits[:, :-1][predicted.to(logits.device)]
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def next_tokens(tokens: ArrayLike, mask: ArrayLike | None = None) -> Int[Tensor, " predicted"]:
    """The target tokens of `next_token_logits`, in its order.

    tokens, mask: [batch, time]. Errors: DataError for another shape.
    """
    ids, real = _checked(tokens, mask)
    if real is not None and not bool(real.all()):
        padding = PaddingLast(real)
        ids, real = padding.moved(ids), padding.moved(real)
    return ids[:, 1:][_predicted(ids, real)]


def _checked(tokens: Any, mask: Any) -> tuple[Int[Tensor, "batch time"], Tensor | None]:
    """Tokens as int64 and the mask as truth values, or errors that say what was expected."""
    ids = as_tokens(tokens, "the tokens")
    if ids.ndim != 2:
        raise DataError(
            f"the tokens have the shape {list(ids.shape)}; expected [batch, time], so put one "
            "sequence into a batch of one"
        )
    return ids, None if mask is None else as_mask(mask, ids.shape, "the mask").to(ids.device)


def kept_steps(
    ids: Int[Tensor, "batch time"], keep: Keep | None
) -> Bool[Tensor, "batch time"] | None:
    """The steps that a splice passes through, from a mask or from numbers of tokens.

    Errors: DataError where `keep` is neither.
    """
    if keep is None:
        return None
    if isinstance(keep, set | frozenset | list | tuple) and not keep:
        return None
    if isinstance(keep, set | frozenset):
        keep = sorted(keep)
    given = as_tensor(keep, "keep")
    if given.ndim == 1 and given.dtype != torch.bool:
        return torch.isin(ids, as_tokens(given, "the tokens to keep").to(ids.device))
    return as_mask(given, ids.shape, "keep").to(ids.device)


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
    keywords: dict[str, Any] = {}
    if "use_cache" in forward_parameters(model):
        keywords["use_cache"] = False
    if mask is not None and takes_argument(model, "attention_mask"):
        keywords["attention_mask"] = mask.long().to(device)
    if takes_argument(model, "input_ids"):
        return model(input_ids=tokens.to(device), **keywords)
    return model(tokens.to(device), **keywords)


@torch.no_grad()
def _check_causal(model: nn.Module, tokens: Tensor, mask: Tensor) -> None:
    """Check that padding at the end changes nothing in a model that takes no attention mask.

    Errors: DataError where real tokens read the padding.
    """
    other = tokens.masked_fill(~mask, int(tokens[mask][0]))
    with _in_evaluation(model):
        here, there = (logits_of(_forward(model, t, None), model) for t in (tokens, other))
    real = mask.to(here.device)
    if not torch.allclose(here[real], there[real], rtol=1e-3, atol=1e-4):
        raise DataError(
            f"{type(model).__name__} takes no attention_mask, and its logits depend on the padding "
            "behind a sequence; give sequences of one length in a batch, without padding"
        )
