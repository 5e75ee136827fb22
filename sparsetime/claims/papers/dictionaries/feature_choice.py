"""Feature choice against TopK: share of dead latents."""

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, Lab, Less, Within, claim

_ROWS, _WIDTH, _K = 40_000, 2048, 8  # where latents of TopK die


@claim(
    "feature_choice",
    system=34,
    says="At the same mean L0, fewer latents are dead on held-out documents than in TopK, with the "
    "same auxiliary loss.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("dead share of feature choice", than="dead share of TopK"),
        Within("L0 of feature choice", of="L0 of TopK", tolerance=0.1),
    ],
    seconds=90,
    null=UNTRAINED,
    rule="at equal mean L0, Mutual Choice has lower reconstruction error than TopK, and "
    "Feature Choice leaves fewer dead features.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()
    values = {}
    for title, name in (("feature choice", "feature_choice"), ("TopK", "topk")):
        sae = st.dictionary(name, d_in=data.d, width=_WIDTH, k=_K, seed=seed)
        lab.train(sae, data.train, rows=_ROWS, seed=seed)
        values[f"dead share of {title}"] = lab.dead_share(sae, data.held_out)
        values[f"L0 of {title}"] = lab.l0(sae, data.held_out)
        values[f"FVU of {title}"] = lab.fvu(sae, data.held_out)
    return values
