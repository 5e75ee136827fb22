"""Language-model loss under a patch: next-token loss, KL divergence, gradients at a site."""

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

    tokens: as the model takes them, special tokens included. replace: a function of the site's
    activations [batch, time, d] to as many; None runs the model unchanged. mask: False for
    padding, which is neither attended to nor predicted.

    The model runs in evaluation mode; its mode is restored. Gradients flow into `replace`, unless
    the caller turned them off (`torch.no_grad`).

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
    """The mean KL divergence of next-token distributions with `replace(x)`, in nats a token.

    KL(plain || replaced) = sum of p log(p / q), p without the patch and q with it.
    plain: the result of `next_token_logits(model, tokens)`, where it is computed already.

    Errors: as `next_token_loss`.
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

    The loss is summed and not averaged, so that a sequence's gradient is independent of its batch.
    The gradients of the model's parameters are not touched. Errors: as `next_token_loss`.
    """
    leaves: list[Tensor] = []

    def leaf(x: Tensor) -> Tensor:
        leaves.append(x.detach().clone().requires_grad_())
        return leaves[0]

    with torch.enable_grad():
        total = _losses(model, tokens, site, leaf, mask).sum()
        (gradient,) = torch.autograd.grad(total, leaves)
    return leaves[0].detach(), gradient


def _losses(
    model: nn.Module,
    tokens: Int[Tensor, "batch time"],
    site: str | None,
    replace: Patch | None,
    mask: Bool[Tensor, "batch time"] | None,
) -> Float[Tensor, " predicted"]:
    """The loss of every token that is predicted, in nats."""
    logits = next_token_logits(model, tokens, site, replace, mask)
    targets = next_tokens(tokens, mask).to(logits.device)
    return nn.functional.cross_entropy(logits, targets, reduction="none")
