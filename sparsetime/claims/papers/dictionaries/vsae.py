"""A negative result: the prior of vSAE kills features and raises the error."""

from typing import Any

import sparsetime as st
from sparsetime.claims.claim import Lab, Less, claim

_ROWS, _WIDTH, _K = 30_000, 512, 16
_LOW, _HIGH = 1e-3, 1e-1


@claim(
    "vsae",
    system=16,
    says="With the same data and k, a larger weight of the prior leaves more dead latents and a "
    "higher error, and both are above those of TopK.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of TopK", than="FVU, low weight"),
        Less("FVU, low weight", than="FVU, high weight"),
        Less("dead share of TopK", than="dead share, high weight"),
        Less("dead share, low weight", than="dead share, high weight"),
    ],
    seconds=60,
    notes="Without aux-k, which would revive what the prior kills. The prior is on kept latents "
    "alone here.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()
    sizes: dict[str, Any] = {
        "d_in": data.d,
        "width": _WIDTH,
        "k": _K,
        "aux_weight": 0.0,
        "seed": seed,
    }
    made = {
        " of TopK": st.dictionary("topk", **sizes),
        ", low weight": st.dictionary("vsae", kl=_LOW, **sizes),
        ", high weight": st.dictionary("vsae", kl=_HIGH, **sizes),
    }
    values = {}
    for name, sae in made.items():
        lab.train(sae, data.train, rows=_ROWS, seed=seed)
        values[f"FVU{name}"] = lab.fvu(sae, data.held_out)
        values[f"dead share{name}"] = lab.dead_share(sae, data.held_out)
    return values
