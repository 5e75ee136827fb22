"""Increase in cross-entropy of a language model with a dictionary spliced in at its site."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.activations.sampling.model_windows import held_out_windows
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.errors import DataError
from sparsetime.interventions.logits import Keep, kept_steps, next_token_logits, next_tokens
from sparsetime.interventions.patch import Patch
from sparsetime.metrics.evaluation_data import EvaluationData
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.models.load import longest_input
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of

_AT_ONCE = 16


@torch.no_grad()
def ce_increase(
    model: nn.Module,
    reconstruct: Patch,
    tokens: Int[Tensor, "windows length"],
    site: str,
    seed: int = 0,
    keep: Keep | None = None,
    exclusion: StepExclusion | None = None,
) -> Estimate:
    """Increase in cross-entropy = CE(model with x_hat in place of x at the site) - CE(model).

    In nats per token, mean over next tokens. reconstruct: from activations [batch, time, d] to
    their reconstruction, such as a dictionary. At 0 the reconstruction costs the model nothing;
    below 0 it predicts better with it. keep: steps at which activations are not replaced, as in
    `next_token_loss`: the special tokens that a dictionary was not trained on.

    exclusion: steps whose activations stay as they are; None takes those that the training of a
    dictionary left out. The null leaves them too. Its first steps are counted behind the steps of
    `keep` that stand before them, as in a capture, which stores no special tokens.

    The interval resamples windows. The null is mean ablation: the mean activation of these tokens
    at every step that is replaced. details: `plain`, the model's own cross-entropy, and
    `recovered`, the share of the null's increase that the reconstruction avoids (loss recovered).

    It does not show which behaviours change: an average over tokens hides rare ones. Source:
    Bricken et al. 2023, Towards monosemanticity (loss recovered).

    Errors: DataError where the model gives no logits; those of `next_token_loss`.
    """
    kept = kept_steps(tokens, keep)
    if kept is None:
        kept = torch.zeros_like(tokens, dtype=torch.bool)
    if exclusion is None:
        exclusion = StepExclusion.of_provenance(getattr(reconstruct, "provenance", {}))
    leave_out = exclusion
    batches = list(zip(tokens.split(_AT_ONCE), kept.split(_AT_ONCE), strict=True))
    mean = _MeanActivation()

    def losses(replace: Callable[[Tensor, Tensor], Patch]) -> Tensor:
        return torch.cat([_window_losses(model, t, site, replace(t, k), k) for t, k in batches])

    # The first pass returns activations unchanged, and sums them for the mean.
    plain = losses(lambda t, k: lambda x: mean.observe(x, k))
    spliced = losses(lambda t, k: _passing(reconstruct, leave_out, t, k))
    ablated = losses(lambda t, k: _passing(mean.ablate, leave_out, t, k))
    count = len(tokens)
    null = float((ablated - plain).mean())
    rise = (spliced - plain).numpy()
    result = estimate(ratio_of(rise, np.ones(count)), count, null, "mean ablation", seed)
    recovered = 1 - result.value / null if null else None
    details = {"plain": float(plain.mean()), "recovered": recovered, "windows": count}
    return Estimate(result.value, result.interval, result.null, result.null_is, details)


def evaluated_ce_increase(data: EvaluationData) -> Estimate:
    """`ce_increase` on the tokens of the evaluated store; of one group of latents.

    Errors: DataError, with the reason, without a model, without tokens, without a document as long
    as a window, for a model without logits, and for a dictionary that writes to another site.
    """
    context = data.context
    if context.model is None:
        raise DataError(
            "no model was given; pass the model of the store's activations with model= to splice "
            "the dictionary in"
        )
    if context.sae.out_dims is not None:
        raise DataError("the dictionary writes to another site than the one that the store holds")
    model = context.model.model
    limit = longest_input(model)
    length = context.context if limit is None else min(context.context, limit)
    windows = held_out_windows(context.store, length, context.tokens, context.model.tokenizer)
    site, seed = context.store.site, context.seed
    # What the capture left out is not in the evaluated frame of the model either.
    excluded = context.exclusion.merged(context.store.excluded)
    return ce_increase(model, _spliced(data), windows.tokens, site, seed, windows.keep, excluded)


@final
class _MeanActivation:
    """The mean of the activations of a site, from a first pass, and its ablation."""

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._rows = 0

    def observe(
        self, x: Float[Tensor, "batch time d"], kept: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time d"]:
        rows = x[~kept.to(x.device)].double()
        total = rows.sum(0)
        self._sum = total if self._sum is None else self._sum + total
        self._rows += len(rows)
        return x

    def ablate(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        assert self._sum is not None, "the plain pass comes first"
        return (self._sum / self._rows).to(x).expand_as(x)


def _window_losses(
    model: nn.Module,
    tokens: Int[Tensor, "windows length"],
    site: str,
    replace: Patch,
    kept: Bool[Tensor, "windows length"],
) -> Float[Tensor, " windows"]:
    """Mean cross-entropy of every window in nats, float64 on the CPU."""
    logits = next_token_logits(model, tokens, site, replace, keep=kept if kept.any() else None)
    targets = next_tokens(tokens).to(logits.device)
    losses = nn.functional.cross_entropy(logits, targets, reduction="none")
    return losses.reshape(len(tokens), -1).double().mean(1).cpu()


def _passing(
    replace: Patch,
    exclusion: StepExclusion,
    tokens: Int[Tensor, "windows length"],
    special: Bool[Tensor, "windows length"],
) -> Patch:
    """`replace`, where the steps left out pass through unchanged."""

    def passing(x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        kept = exclusion.kept(x, tokens, special)[..., None]
        return torch.where(kept, replace(x).to(x), x)

    return passing if exclusion else replace


def _spliced(data: EvaluationData) -> Callable[[Tensor], Tensor]:
    sae, group = data.context.sae, data.group

    def reconstruct(x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        return sae.reconstruct(group.of(sae.encode(x)), x)

    return sae if not group.name else reconstruct


MODEL = (
    Metric(
        MetricSpec(
            "ce_increase",
            "increase in the model's cross-entropy, in nats per token, with the reconstruction in "
            "place of the activations of the site",
            "ce_increase = CE(model with x_hat at the site) - CE(model)",
            "0 (no cost) and up, in nats per token; below 0 where the model predicts better",
            "Bricken et al. 2023, Towards monosemanticity",
            "which behaviours change: an average over tokens hides rare ones",
        ),
        evaluated_ce_increase,
    ),
)
