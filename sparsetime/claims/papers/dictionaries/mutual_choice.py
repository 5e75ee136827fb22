"""Mutual choice against TopK: FVU at the same mean L0."""

import math

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim

_ROWS, _WIDTH, _K = 40_000, 768, 32


@claim(
    "mutual_choice",
    system=34,
    says="At a mean L0 no higher than TopK's, FVU is lower.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU of mutual choice", than="FVU of TopK"),
        AtMost("L0 of mutual choice", than="L0 of TopK", times=1.01),
    ],
    seconds=60,
    notes="TopK's k is the mean L0 of mutual choice, rounded up.",
    null=UNTRAINED,
    rule="at equal mean L0, Mutual Choice has lower reconstruction error than TopK, and "
    "Feature Choice leaves fewer dead features.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()
    mutual = st.dictionary("mutual_choice", d_in=data.d, width=_WIDTH, k=_K, seed=seed)
    lab.train(mutual, data.train, rows=_ROWS, seed=seed)
    k = math.ceil(lab.l0(mutual, data.tuning))
    topk = st.dictionary("topk", d_in=data.d, width=_WIDTH, k=k, seed=seed)
    lab.train(topk, data.train, rows=_ROWS, seed=seed)
    return {
        "FVU of mutual choice": lab.fvu(mutual, data.held_out),
        "FVU of TopK": lab.fvu(topk, data.held_out),
        "L0 of mutual choice": lab.l0(mutual, data.held_out),
        "L0 of TopK": lab.l0(topk, data.held_out),
    }
