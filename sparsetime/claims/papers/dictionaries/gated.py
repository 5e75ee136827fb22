"""Gated SAE against ReLU with L1: shrinkage, and FVU at equal L0."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import UNTRAINED, Lab, Less, Within, claim
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

L0, WIDTH, ROWS = 32, 768, 60_000


@claim(
    "gated",
    says="At equal L0 a gated SAE has a lower FVU than ReLU with L1, and its reconstructions are "
    "not shrunk: the factor that fits them best to the activations is 1.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of Gated", than="FVU of ReLU with L1"),
        Within("L0 of Gated", of="L0 of ReLU with L1", tolerance=0.1),
        Within("size of Gated's reconstructions", of=1, tolerance=0.03),
        Less("size of ReLU's reconstructions", than="size of Gated's reconstructions"),
    ],
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Size: ||x_hat||^2 / <x_hat, x>, both from the mean of x; below 1 where they are shrunk."""
    real = lab.real()
    gated, relu = (_at_equal_l0(recipe, lab, real, seed) for recipe in ("gated", "relu_l1"))
    return {
        "FVU of Gated": lab.fvu(gated, real.held_out),
        "FVU of ReLU with L1": lab.fvu(relu, real.held_out),
        "L0 of Gated": lab.l0(gated, real.held_out),
        "L0 of ReLU with L1": lab.l0(relu, real.held_out),
        "size of Gated's reconstructions": _size(gated, real.held_out),
        "size of ReLU's reconstructions": _size(relu, real.held_out),
    }


def _at_equal_l0(recipe: str, lab: Lab, real: Splits, seed: int) -> Dictionary:
    """Trained dictionary with the weight of L1 that gives the target L0."""

    def make(l1: float) -> Dictionary:
        return dictionary(recipe, d_in=real.d, width=WIDTH, l1=l1)

    l1 = lab.match_l0(make, L0, real.train, real.tuning, rows=ROWS, low=0.05, high=0.4)
    sae = dictionary(recipe, d_in=real.d, width=WIDTH, l1=l1, seed=seed)
    return lab.train(sae, real.train, rows=ROWS, seed=seed)


@torch.no_grad()
def _size(sae: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    mean = x.mean(0)
    guess = torch.cat([sae(some) for some in x.split(4096)]) - mean
    return float(guess.square().sum() / (guess * (x - mean)).sum())
