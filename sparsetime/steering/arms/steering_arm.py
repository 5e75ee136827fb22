"""Arms of a steering comparison: features, their null, reconstruction, and baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.site_gradients import OutputMetric, site_pass
from sparsetime.steering.null_features import features_of_equal_density

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True, eq=False)
class SteeringArm:
    """One way to change what a model writes.

    direction: [d], added to the site; its length is without meaning. A function gives each prompt
    a direction of its own. prompt: from a prompt to the one that is given instead. equal_norm_of:
    the arm whose chosen dose this one takes, as a null does. signs: of doses that are tried.
    reconstruction: a dictionary whose decode(encode(x)) takes the place of x; it has no dose. read:
    the site that it encodes, where that is another one, as of a transcoder. A plain arm has none of
    these.
    """

    name: str
    direction: Float[Tensor, " d"] | Callable[[str], Float[Tensor, " d"]] | None = None
    prompt: Callable[[str], str] | None = None
    equal_norm_of: str | None = None
    signs: tuple[int, ...] = (1, -1)
    reconstruction: Dictionary | None = None
    read: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.direction, Tensor) and not float(self.direction.norm()) > 0:
            raise DataError(f"got a direction of the arm {self.name!r} of length 0, expected more")
        if not self.signs or any(sign not in (1, -1) for sign in self.signs):
            raise ConfigError(f"got signs={self.signs}, expected 1, -1 or both")

    def directions(self, prompts: Sequence[str]) -> Float[Tensor, "directions d"]:
        """Directions of length one: that of all prompts, or that of each.

        Errors: DataError for an arm without one, and for a direction of length 0.
        """
        if self.direction is None:
            raise DataError(f"got the arm {self.name!r}, which has no direction, expected one")
        if isinstance(self.direction, Tensor):
            rows = self.direction[None]
        else:
            rows = torch.stack([self.direction(prompt) for prompt in prompts])
        lengths = rows.float().norm(dim=1, keepdim=True)
        if not (lengths > 0).all():
            raise DataError(f"got a direction of the arm {self.name!r} of length 0, expected more")
        unit: Tensor = rows.float() / lengths
        return unit


def feature_arm(
    sae: Dictionary, activations: Mapping[int, float], name: str = "features", **settings: Any
) -> SteeringArm:
    """The arm that adds to the activations of features: their sum over the weights given.

    v = s * sum over i of a_i atom_i,  s: the dictionary's scale

    settings: fields of `SteeringArm`. Errors: ConfigError for a feature that does not exist.
    """
    wrong = [feature for feature in activations if not 0 <= feature < sae.width]
    if wrong or not activations:
        raise ConfigError(
            f"got features {sorted(activations)}, expected some from 0 to {sae.width - 1}"
        )
    weights = torch.tensor(list(activations.values()), dtype=torch.float32)
    atoms = sae.atoms.detach()[list(activations)].float()
    written = (weights[:, None] * atoms).sum(0) * sae.output_normalisation.scale.float()
    return SteeringArm(name, written, **settings)


def reconstruction_arm(
    sae: Dictionary, name: str = "reconstruction", read: str | None = None
) -> SteeringArm:
    """The arm x' = decode(encode(x)) without any edit: what the dictionary's error alone changes.

    It is reported whatever its score and perplexity, since methods that leave the error out steer
    on top of it. read: the site that a transcoder encodes.
    """
    return SteeringArm(name, reconstruction=sae, read=read)


def random_feature_arms(
    sae: Dictionary,
    density: Float[np.ndarray, " width"],
    features: Sequence[int],
    count: int,
    equal_norm_of: str = "features",
    seed: int = 0,
    name: str = "random",
    **settings: Any,
) -> list[SteeringArm]:
    """Arms of as many random features, of the density decile of the first, with equal weights.

    Their added vector is as long as the other arm's. name: they are called "random 1" and so on;
    give another for the nulls of a second arm. Errors: as `features_of_equal_density`.
    """
    arms = []
    for number in range(count):
        drawn = features_of_equal_density(
            density, tuple(features), len(features), seed + 1000 * number
        )
        lengths = sae.atoms.detach()[torch.from_numpy(drawn)].norm(dim=1).clamp_min(1e-12)
        weights = dict(zip(drawn.tolist(), (1 / lengths).tolist(), strict=True))
        numbered = f"{name} {number + 1}"
        arms.append(feature_arm(sae, weights, numbered, equal_norm_of=equal_norm_of, **settings))
    return arms


def mean_difference_arm(
    target: Float[Tensor, "rows d"],
    other: Float[Tensor, "others d"],
    name: str = "mean difference",
    **settings: Any,
) -> SteeringArm:
    """The arm along mean(target) - mean(other) of activations of the site.

    Source: Marks and Tegmark 2023, The geometry of truth, arXiv:2310.06824; as a baseline of
    steering in Wu et al. 2025, AxBench, arXiv:2501.17148.
    """
    return SteeringArm(name, target.float().mean(0) - other.float().mean(0), **settings)


def probe_arm(
    target: Float[Tensor, "rows d"],
    other: Float[Tensor, "others d"],
    name: str = "probe",
    **settings: Any,
) -> SteeringArm:
    """The arm along the weights of a logistic regression of target against other activations."""
    from sklearn.linear_model import LogisticRegression

    rows = torch.cat([target, other]).double()
    spread = rows.std()
    fitted = LogisticRegression(C=1.0, max_iter=500).fit(
        ((rows - rows.mean(0)) / spread).numpy(),
        np.repeat([1, 0], [len(target), len(other)]),
    )
    return SteeringArm(name, torch.tensor(fitted.coef_[0], dtype=torch.float32), **settings)


def gradient_arm(
    model: nn.Module,
    site: str,
    tokens: Int[Tensor, "batch time"],
    metric: OutputMetric,
    name: str = "gradient",
    **settings: Any,
) -> SteeringArm:
    """The arm along the mean gradient of a metric of the output by the site: a ceiling.

    v = mean over sequences and steps of d metric / d x

    No direction of equal length raises the metric more at small doses. Errors: those of
    `site_pass`.
    """
    slopes = site_pass(model, tokens, [site], metric).gradients[site]
    return SteeringArm(name, slopes.flatten(0, -2).float().mean(0), **settings)
