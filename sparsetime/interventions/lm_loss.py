"""What a change at a site costs a language model, and which way its loss falls there."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.interventions.logits import next_token_logits, next_tokens
from sparsetime.interventions.patch import Patch


def next_token_loss(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str | None = None,
    replace: Patch | None = None,
    mask: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, ""]:
    """The mean cross-entropy of every next token in nats, with `replace(x)` at the site.

    tokens: as the model takes them, special tokens included. replace: given the activations
    [batch, time, d] of the site and to give as many; without it the model runs as it is. mask:
    False for padding, which is neither attended to nor predicted.

    The model runs in evaluation mode and is left as it was. Gradients flow into whatever `replace`
    computes with, unless the caller turned them off (`torch.no_grad`).

    Errors: DataError where there is nothing to predict, or the model gives no logits;
    MismatchError where site and replace do not come together; otherwise those of `patched`.
    """
    return _losses(model, tokens, site, replace, mask).mean()


def kl_divergence(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str,
    replace: Patch,
    mask: Bool[Tensor, "batch time"] | None = None,
    plain: Float[Tensor, "predicted vocabulary"] | None = None,
) -> Float[Tensor, ""]:
    """The mean divergence in nats of the predictions with `replace(x)` from those without.

    It is KL(plain || replaced), over every next token. plain: the result of
    `next_token_logits(model, tokens)`, where it is computed already. Errors: as `next_token_loss`.
    """
    if plain is None:
        with torch.no_grad():
            plain = next_token_logits(model, tokens, mask=mask)
    replaced = next_token_logits(model, tokens, site, replace, mask)
    return nn.functional.kl_div(
        replaced.log_softmax(1), plain.log_softmax(1), reduction="batchmean", log_target=True
    )


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
    replace: Patch | None,
    mask: Bool[Tensor, "batch time"] | None,
) -> Float[Tensor, " predicted"]:
    """The loss of every token that is predicted, in nats."""
    logits = next_token_logits(model, tokens, site, replace, mask)
    wanted = next_tokens(tokens, mask).to(logits.device)
    return nn.functional.cross_entropy(logits, wanted, reduction="none")
