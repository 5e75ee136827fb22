"""AbsTopK: one latent for both poles of a feature."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import AtLeast, Lab, Less, Replaced, claim
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
    says="At equal k AbsTopK has a lower FVU than TopK where features have two signs, and the sign "
    "of a single latent identifies the pole of a feature.",
    data="planted features, all of them bidirectional",
    expects=[
        Less("FVU of AbsTopK", than="FVU of TopK"),
        AtLeast("poles identified by a latent's sign", than=0.95),
    ],
    seconds=45,
    notes="It holds of untrained dictionaries too: the nearest of random atoms have the sign of "
    "the pole as well, and twice as many directions explain more.",
    null=Replaced("abs_topk", by="topk"),
    rule="at equal k, AbsTopK gives lower reconstruction error than TopK on signed synthetic "
    "features, and one latent's sign separates opposite concepts.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """As many latents as features; poles are compared where the matched latent is active."""
    data = lab.planted(seed, **SIGNED)
    signed, plain = (
        lab.train(
            dictionary(recipe, d_in=data.d, width=WIDTH, k=K, seed=seed),
            data.train, rows=ROWS, seed=seed,
        )
        for recipe in ("abs_topk", "topk")
    )  # fmt: skip
    right, active = _poles(data, signed.atoms.detach(), signed.encode(data.held_out).dense())
    return {
        "FVU of AbsTopK": lab.fvu(signed, data.held_out),
        "FVU of TopK": lab.fvu(plain, data.held_out),
        "poles identified by a latent's sign": right,
        "share of a feature's steps on which its latent is active": active,
    }


def _poles(
    data: PlantedFeatures, atoms: Float[Tensor, "latents d"], code: Float[Tensor, "rows latents"]
) -> tuple[float, float]:
    """Share of right signs where a feature and its latent are active, and share of a feature's
    steps on which its latent is active. An atom may match the negative of a feature.
    """
    cosines = data.atoms @ atoms.T
    nearest = cosines.abs().argmax(1)
    sign = cosines[torch.arange(len(nearest)), nearest].sign()
    true = data.held_out_code.dense()
    learnt = code[:, nearest] * sign
    present, both = true != 0, (true != 0) & (learnt != 0)
    right = (true.sign() == learnt.sign()) & both
    return float(right.sum() / both.sum()), float(both.sum() / present.sum())
