"""Resampling: dead latents and FVU of TopK with and without it, and with aux-k."""

from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary

WIDTH, K, ROWS = 2048, 8, 60_000


@claim(
    "resampling",
    says="At a width at which latents die, resampling at least halves the share of dead latents, "
    "and lowers the FVU.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        AtMost("dead share with resampling", than="dead share without", times=0.5),
        Less("FVU with resampling", than="FVU without"),
    ],
    seconds=60,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Dead: active on no held-out row. Neither of the first two has aux-k; the third has it."""
    real = lab.real()
    values = {}
    for name, recipe, options in (
        ("with resampling", "resampling", {}),
        ("without", "topk", {"aux_weight": 0.0}),
        ("with aux-k", "topk", {}),
    ):
        sae = dictionary(recipe, d_in=real.d, width=WIDTH, k=K, seed=seed, **options)
        lab.train(sae, real.train, rows=ROWS, seed=seed)
        values[f"dead share {name}"] = lab.dead_share(sae, real.held_out)
        values[f"FVU {name}"] = lab.fvu(sae, real.held_out)
    return values
