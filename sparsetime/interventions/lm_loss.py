"""Language-model loss under a patch: next-token loss, KL divergence, gradients at a site."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.interventions.logits import Keep, next_token_logits, next_tokens
from sparsetime.interventions.patch import Patch
from sparsetime.tensors import ArrayLike, as_tensor


def next_token_loss(
    model: nn.Module,
    tokens: ArrayLike,
    site: str | None = None,
    replace: Patch | None = None,
    mask: ArrayLike | None = None,
    keep: Keep | None = None,
) -> Float[Tensor, ""]:
    """The mean cross-entropy of every next token in nats, with `replace(x)` at the site.

    tokens: [batch, time], as the model takes them, special tokens included. replace: a function of
    the site's activations [batch, time, d] to as many; None runs the model unchanged. mask: False
    or 0 for padding on either side, which is neither attended to, nor counted as a position, nor
    predicted: the value is that of the sequences alone. keep: steps at which activations are not
    replaced, as a mask [batch, time] or as numbers of tokens, such as those of special tokens that
    a dictionary was not trained on.

    The model runs in evaluation mode; its mode is restored. Gradients flow into `replace`, unless
    the caller turned them off (`torch.no_grad`).

    Errors: DataError where there is nothing to predict, or the model gives no logits;
    MismatchError where site and replace do not come together; otherwise those of `patched`.
    """
    return _losses(model, tokens, site, replace, mask, keep).mean()


def kl_divergence(
    model: nn.Module,
    tokens: ArrayLike,
    site: str,
    replace: Patch,
    mask: ArrayLike | None = None,
    plain: Float[Tensor, "predicted vocabulary"] | None = None,
    keep: Keep | None = None,
) -> Float[Tensor, ""]:
    """The mean KL divergence of next-token distributions with `replace(x)`, in nats a token.

    KL(plain || replaced) = sum of p log(p / q), p without the patch and q with it.
    plain: the result of `next_token_logits(model, tokens)`, where it is computed already. keep: as
    in `next_token_loss`.

    Errors: as `next_token_loss`.
    """
    if plain is None:
        with torch.no_grad():
            plain = next_token_logits(model, tokens, mask=mask)
    replaced = next_token_logits(model, tokens, site, replace, mask, keep)
    return nn.functional.kl_div(
        replaced.log_softmax(1), plain.log_softmax(1), reduction="batchmean", log_target=True
    )


def loss_gradients(
    model: nn.Module,
    tokens: ArrayLike,
    site: str,
    mask: ArrayLike | None = None,
) -> tuple[Float[Tensor, "batch time d"], Float[Tensor, "batch time d"]]:
    """The activations of the site, and the gradient there of the summed next-token loss in nats.

    The loss is summed and not averaged, so that a sequence's gradient is independent of its batch.
    The gradients of the model's parameters are not touched. Errors: as `next_token_loss`.
    """
    leaves: list[Tensor] = []

    def leaf(x: Tensor) -> Tensor:
        leaves.append(x.detach().clone().requires_grad_())
        return leaves[0]

    with torch.inference_mode(False), torch.enable_grad():
        total = _losses(model, as_tensor(tokens, "the tokens"), site, leaf, mask).sum()
        (gradient,) = torch.autograd.grad(total, leaves)
    return leaves[0].detach(), gradient


def _losses(
    model: nn.Module,
    tokens: ArrayLike,
    site: str | None,
    replace: Patch | None,
    mask: ArrayLike | None,
    keep: Keep | None = None,
) -> Float[Tensor, " predicted"]:
    """The loss of every token that is predicted, in nats."""
    logits = next_token_logits(model, tokens, site, replace, mask, keep)
    targets = next_tokens(tokens, mask).to(logits.device)
    return nn.functional.cross_entropy(logits, targets, reduction="none")
