"""AbsTopK: one latent for both poles of a feature."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.planted_features import PlantedFeatures
from sparsetime.dictionaries.recipes import dictionary

WIDTH, K, ROWS = 128, 8, 80_000
SIGNED = {
    **{"d": 64, "width": WIDTH, "zipf": 0.5, "longest": 20.0, "bidirectional": WIDTH},
    **{"families": 0, "pairs": 0, "circles": 0, "state_features": 0},
}


@claim(
    "abs_topk",
    system=9,
    says="At equal k AbsTopK leaves less unexplained than TopK where features have two signs, and "
    "the sign of a single latent tells a feature's poles apart.",
    data="planted features, all of them bidirectional",
    expects=[
        Less("FVU of AbsTopK", than="FVU of TopK"),
        AtLeast("poles told apart by a latent's sign", than=0.95),
    ],
    seconds=45,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """As many latents as features; the poles are told apart where the matched latent is on."""
    data = lab.planted(seed, **SIGNED)
    signed, plain = (
        lab.train(
            dictionary(recipe, d_in=data.d, width=WIDTH, k=K, seed=seed),
            data.train, rows=ROWS, seed=seed,
        )
        for recipe in ("abs_topk", "topk")
    )  # fmt: skip
    right, fired = _poles(data, signed.atoms.detach(), signed.encode(data.held_out).dense())
    return {
        "FVU of AbsTopK": lab.fvu(signed, data.held_out),
        "FVU of TopK": lab.fvu(plain, data.held_out),
        "poles told apart by a latent's sign": right,
        "share of a feature's steps on which its latent is on": fired,
    }


def _poles(
    data: PlantedFeatures, atoms: Float[Tensor, "latents d"], code: Float[Tensor, "rows latents"]
) -> tuple[float, float]:
    """The share of right signs where a feature and its latent are on, and the share of a feature's
    steps on which its latent is on. An atom may stand for its negative.
    """
    cosines = data.atoms @ atoms.T
    nearest = cosines.abs().argmax(1)
    turned = cosines[torch.arange(len(nearest)), nearest].sign()
    true = data.held_out_code.dense()
    found = code[:, nearest] * turned
    on, both = true != 0, (true != 0) & (found != 0)
    right = (true.sign() == found.sign()) & both
    return float(right.sum() / both.sum()), float(both.sum() / on.sum())
