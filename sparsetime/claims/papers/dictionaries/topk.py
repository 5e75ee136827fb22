"""TopK against ReLU with L1; dead latents with and without aux-k; FVU by width."""

from typing import Any

import numpy as np
from scipy.stats import linregress

from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, Less, Within, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

K, WIDTH, ROWS = 32, 1024, 60_000
WIDTHS = (128, 256, 512, WIDTH)
SPARSE = 2048  # a width at which latents die with k = 8


@claim(
    "topk",
    system=135,
    says="At equal L0 TopK has a lower FVU than ReLU with L1; aux-k at least halves the share of "
    "dead latents; log FVU falls linearly with log width.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of TopK", than="FVU of ReLU with L1"),
        Within("L0 of ReLU with L1", of=K, tolerance=0.1),
        AtMost("dead share with aux-k", than="dead share without", times=0.5),
        AtLeast("R² of the line through FVU by width", than=0.95),
    ],
    null=UNTRAINED,
    rule="TopK has lower error than ReLU-L1 at equal L0, AuxK cuts dead latents, and loss "
    "against width fits a power law.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Dead: active on no held-out row. The weight of L1 is searched."""
    real = lab.real()

    def made(recipe: str, width: int = WIDTH, **settings: Any) -> Dictionary:
        return dictionary(recipe, d_in=real.d, width=width, seed=seed, **settings)

    l1 = lab.match_l0(
        lambda l1: dictionary("relu_l1", d_in=real.d, width=WIDTH, l1=l1),
        K, real.train, real.tuning, rows=ROWS, low=0.05, high=0.3,
    )  # fmt: skip
    relu, few, fewest, *sizes = (
        lab.train(sae, real.train, rows=ROWS, seed=seed)
        for sae in (
            made("relu_l1", l1=l1),
            made("topk", SPARSE, k=8),
            made("topk", SPARSE, k=8, aux_weight=0.0),
            *(made("topk", width, k=K) for width in WIDTHS),
        )
    )
    errors = [lab.fvu(sae, real.held_out) for sae in sizes]
    by_width = linregress(np.log(WIDTHS), np.log(errors))
    return {
        "FVU of TopK": errors[WIDTHS.index(WIDTH)],
        "FVU of ReLU with L1": lab.fvu(relu, real.held_out),
        "L0 of ReLU with L1": lab.l0(relu, real.held_out),
        "dead share with aux-k": lab.dead_share(few, real.held_out),
        "dead share without": lab.dead_share(fewest, real.held_out),
        "slope of log FVU by log width": float(by_width.slope),
        "R² of the line through FVU by width": float(by_width.rvalue**2),
    }
