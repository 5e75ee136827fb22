"""JumpReLU: FVU at equal L0, and the gradient of its thresholds against differences."""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, Within, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.sparsifiers import JumpReLU

L0, WIDTH, ROWS = 32, 768, 60_000
PROBED, PROBE_ROWS = 48, 16_384
NARROW = 0.01  # a bandwidth across which the density of pre-activations hardly changes
SETTINGS: dict[str, dict[str, Any]] = {
    "jumprelu": {"l0_weight": 1.0, "threshold": 0.02},
    "relu_l1": {},
    "gated": {},
    "topk": {"k": L0},
}
# A threshold of 0.02 makes the window wide: 2.5 times the threshold. Thresholds begin where twice
# the target is active, and short trainings end above or below it.
SEARCHED = {
    "jumprelu": ("l0", 20.0, 80.0),
    "relu_l1": ("l1", 0.05, 0.4),
    "gated": ("l1", 0.05, 0.4),
}


@claim(
    "jumprelu",
    system=151,
    says="At equal L0 JumpReLU has no higher FVU than ReLU with L1, Gated and TopK; the gradient "
    "of its thresholds agrees with differences of the loss over a bandwidth.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        AtMost("FVU of jumprelu", than="FVU of relu_l1"),
        AtMost("FVU of jumprelu", than="FVU of gated"),
        AtMost("FVU of jumprelu", than="FVU of topk"),
        Within("L0 of jumprelu", of=L0, tolerance=0.1),
        Within("L0 of relu_l1", of=L0, tolerance=0.1),
        Within("L0 of gated", of=L0, tolerance=0.1),
        AtLeast("correlation of gradient and differences", than=0.8),
    ],
    notes="The target of JumpReLU is searched as the weights of the others are: a short training "
    "ends below it. The gradient is probed at a narrower bandwidth than the one in training; where "
    "L0 is at its target, only the term of the error is left.",
    null=UNTRAINED,
    rule="At equal L0, error is no higher than ReLU, Gated or TopK SAEs, and the threshold "
    "gradient agrees with a kernel-smoothed numeric estimate.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The setting that decides L0 is searched for each recipe but TopK."""
    real = lab.real()

    def made(recipe: str, value: float | None = None, seed: int = lab.tuning_seed) -> Dictionary:
        coefficient = {} if value is None else {SEARCHED[recipe][0]: value}
        settings = {**SETTINGS[recipe], **coefficient}
        return dictionary(recipe, d_in=real.d, width=WIDTH, seed=seed, **settings)

    def trained(recipe: str) -> Dictionary:
        value = None
        if recipe in SEARCHED:
            _, low, high = SEARCHED[recipe]
            make = partial(made, recipe)
            value = lab.match_l0(make, L0, real.train, real.tuning, rows=ROWS, low=low, high=high)
        return lab.train(made(recipe, value, seed), real.train, rows=ROWS, seed=seed)

    trained_by_recipe = {recipe: trained(recipe) for recipe in SETTINGS}
    return {
        **{
            f"FVU of {recipe}": lab.fvu(sae, real.held_out)
            for recipe, sae in trained_by_recipe.items()
        },
        **{
            f"L0 of {recipe}": lab.l0(sae, real.held_out)
            for recipe, sae in trained_by_recipe.items()
        },
        "correlation of gradient and differences": _agreement(
            trained_by_recipe["jumprelu"], real.held_out[:PROBE_ROWS]
        ),
    }


def _agreement(sae: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Correlation over frequent latents of dL/d(log threshold) with a central difference of the
    loss. The bandwidth is narrow: a difference is no derivative where the density changes.
    """
    sparsifier = sae.sparsifier
    assert isinstance(sparsifier, JumpReLU)
    sparsifier.bandwidth = NARROW
    (gradient,) = torch.autograd.grad(_loss(sae, x), [sparsifier.log_threshold])
    usual = sae.encode(x).dense().count_nonzero(0).argsort(descending=True)[:PROBED]
    start = sparsifier.log_threshold.detach().clone()
    differences = []
    with torch.no_grad():
        for latent in usual.tolist():
            threshold = start[latent].exp()
            half = float(threshold) * sparsifier.window / 2
            sides = []
            for moved in (threshold + half, threshold - half):
                sparsifier.log_threshold[latent] = moved.clamp_min(1e-6).log()
                sides.append(float(_loss(sae, x)))
            sparsifier.log_threshold[latent] = start[latent]
            # The gradient is to the threshold's logarithm, and so `threshold` times as large.
            differences.append((sides[0] - sides[1]) / (2 * half) * float(threshold))
    both = torch.stack([gradient[usual], torch.tensor(differences)])
    return float(torch.corrcoef(both)[0, 1])


def _loss(sae: Dictionary, x: Float[Tensor, "rows d"]) -> Float[Tensor, ""]:
    return sae.objective.total(sae.objective.losses(sae.forward_train(x)))
