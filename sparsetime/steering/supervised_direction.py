"""Supervised steering: a direction learnt within the few features that classify two kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.models.constant_parameters import constant_parameters
from sparsetime.models.load import LoadedModel

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_RESOLUTION = 0.1  # of the penalty, in powers of two


@final
@dataclass(frozen=True, eq=False)
class SupervisedDirection:
    """A direction within chosen features.

    features: ascending. weights: activation of each that is added. direction: [d], their decoded
    sum. losses: of the descent, by step.
    """

    features: Int[np.ndarray, " features"]
    weights: Float[Tensor, " features"]
    direction: Float[Tensor, " d"]
    losses: tuple[float, ...]


def discriminating_features(
    codes: Float[np.ndarray, "texts width"], is_target: Bool[np.ndarray, " texts"], count: int
) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    """At most `count` features that an L1 logistic regression of pooled codes uses, and weights.

    The penalty is the weakest at which at most `count` weights are not 0: halved until there are
    more, then searched between the last two.

    Errors: ConfigError for no features; DataError where both kinds are not there, or no feature
    separates them.
    """
    from sklearn.linear_model import LogisticRegression

    if count < 1:
        raise ConfigError(f"got count={count}, expected at least one feature")
    if not 0 < is_target.sum() < len(is_target):
        raise DataError("got texts of one kind, expected some of the target and some others")
    scale = np.maximum(np.abs(codes).max(0), 1e-12)
    chosen: tuple[np.ndarray, np.ndarray] | None = None
    low, high = -7.0, 8.0  # powers of two: C, at which nothing is used and at which too much is
    while high - low > _RESOLUTION:
        power = low + 1 if high == 8.0 else (low + high) / 2
        if power >= high:
            break
        model = LogisticRegression(
            l1_ratio=1.0, C=2.0**power, solver="liblinear", class_weight="balanced", max_iter=200
        )
        weights = model.fit(codes / scale, is_target).coef_[0]
        used = np.flatnonzero(weights)
        if len(used) > count:
            high = power
            continue
        low = power
        if len(used):
            chosen = used, weights[used] / scale[used]
    if chosen is None:
        raise DataError("no feature separates the two kinds of texts; give more or other texts")
    return chosen


def supervised_direction(
    model: LoadedModel,
    site: str,
    sae: Dictionary,
    codes: Float[np.ndarray, "texts width"],
    is_target: Bool[np.ndarray, " texts"],
    tokens: tuple[Sequence[Tensor], Sequence[Tensor]],
    *,
    count: int = 32,
    dose: float = 0.5,
    steps: int = 8,
    rate: float = 0.2,
    probe_weight: float = 1.0,
) -> SupervisedDirection:
    """Learn a direction within the features that classify a target against other texts.

        L(w) = NLL(target | +v) + NLL(others | -v) + m mean log(1 + exp(-u·(z_o + w)))
        v = dose * spread * s w A / |s w A|

    w: weights of the chosen features, at first the difference of their means; u: the classifier's
    weights, z_o: pooled codes of the others. NLL: of next tokens, with v added at the site.

    codes: pooled codes of texts. tokens: batches [batch, time] of target texts and of others; one
    of each is read in a step. dose: norm of v over the site's spread while learning.

    Source: He et al. 2025, SAE-SSV: supervised steering in sparse representation spaces,
    arXiv:2505.16188; losses and their weights are ours.

    Errors: those of `discriminating_features`; ConfigError for settings out of range.
    """
    if steps < 0 or not rate > 0 or not dose > 0 or not all(len(part) for part in tokens):
        raise ConfigError(
            f"got steps={steps}, rate={rate}, dose={dose} and {[len(p) for p in tokens]} batches; "
            "expected positive settings and batches of both kinds"
        )
    features, probe = discriminating_features(codes, is_target, count)
    atoms = sae.atoms.detach()[torch.from_numpy(features)].float()
    scale = sae.output_normalisation.scale.detach().float()
    own = torch.from_numpy(codes[:, features]).float()
    classes = torch.from_numpy(is_target)
    weights = (own[classes].mean(0) - own[~classes].mean(0)).requires_grad_()
    classifier = torch.from_numpy(probe).float()
    norm = dose * float(scale.mean())
    optimiser = torch.optim.Adam([weights], lr=rate * float(weights.detach().abs().mean()))
    losses = []
    with constant_parameters(model.model):
        for step in range(steps):
            vector = _vector(weights, atoms, norm)
            loss = (
                probe_weight * functional.softplus(-((own[~classes] + weights) @ classifier)).mean()
            )
            for sign, part in zip((1, -1), tokens, strict=True):
                loss = loss + next_token_loss(
                    model.model, part[step % len(part)], site, _added(sign * vector)
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    final_weights = weights.detach()
    return SupervisedDirection(
        features, final_weights, _vector(final_weights, atoms, norm), tuple(losses)
    )


def _vector(weights: Tensor, atoms: Tensor, norm: float) -> Float[Tensor, " d"]:
    written = weights @ atoms
    vector: Tensor = norm * written / written.norm()
    return vector


def _added(vector: Tensor) -> Any:
    return lambda x: x + vector.to(x)
