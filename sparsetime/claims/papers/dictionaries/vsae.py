"""vSAE, a negative result: dead latents and FVU by the weight of the prior."""

from typing import Any

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim

_ROWS, _WIDTH, _K = 30_000, 512, 16
_LOW, _HIGH = 1e-3, 1e-1


@claim(
    "vsae",
    system=16,
    says="With the same data and k, a larger weight of the prior gives more dead latents and a "
    "higher FVU, and both are above TopK's.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of TopK", than="FVU, low weight"),
        Less("FVU, low weight", than="FVU, high weight"),
        Less("dead share of TopK", than="dead share, high weight"),
        Less("dead share, low weight", than="dead share, high weight"),
    ],
    seconds=60,
    notes="Without aux-k, which revives dead latents. The prior is on selected latents alone here.",
    null=UNTRAINED,
    rule="under identical data and k, raising the KL weight increases dead features and lowers"
    " explained variance compared with plain TopK.",
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
    dictionaries = {
        " of TopK": st.dictionary("topk", **sizes),
        ", low weight": st.dictionary("vsae", kl=_LOW, **sizes),
        ", high weight": st.dictionary("vsae", kl=_HIGH, **sizes),
    }
    values = {}
    for name, sae in dictionaries.items():
        lab.train(sae, data.train, rows=_ROWS, seed=seed)
        values[f"FVU{name}"] = lab.fvu(sae, data.held_out)
        values[f"dead share{name}"] = lab.dead_share(sae, data.held_out)
    return values
