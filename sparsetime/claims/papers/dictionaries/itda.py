"""ITDA against TopK: time to build, and FVU."""

import time

from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, claim
from sparsetime.dictionaries.recipes.card import dictionary

_K, _WIDTH = 16, 512
# The worst of a few rows are odd ones; of many rows more are of use. Chosen on tuning documents.
_BATCH, _AT_ONCE = 1024, _WIDTH // 4
_ROWS_OF_TOPK = 400_000


@claim(
    "itda",
    system=54,
    says="ITDA is built in less than half of the training time of an SAE, from a fraction of its "
    "rows, with an FVU at most twice as large.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        AtMost("seconds to build ITDA", than="seconds to train TopK", times=0.5),
        AtMost("FVU of ITDA", than="FVU of TopK", times=2.0),
    ],
    seconds=90,
    notes="The overlap of atoms between two models is not checked: no second model that reads the "
    "same tokens is at hand.",
    null=UNTRAINED,
    rule="ITDA builds in a fraction of SAE training time with reported explained variance, and"
    " atom Jaccard overlap matches layers across two models above chance.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """ITDA sees four batches, which fill it; TopK is trained as usual."""
    real = lab.real()
    began = time.monotonic()
    built = lab.train(
        dictionary("itda", d_in=real.d, width=_WIDTH, k=_K, at_once=_AT_ONCE, seed=seed),
        real.train,
        rows=_WIDTH // _AT_ONCE * _BATCH,
        seed=seed,
        batch=_BATCH,
    )
    between = time.monotonic()
    trained = lab.train(
        dictionary("topk", d_in=real.d, width=_WIDTH, k=_K, seed=seed),
        real.train,
        rows=_ROWS_OF_TOPK,
        seed=seed,
    )
    ended = time.monotonic()
    few = real.held_out[:4096]
    return {
        "seconds to build ITDA": between - began,
        "seconds to train TopK": ended - between,
        "FVU of ITDA": lab.fvu(built, few),
        "FVU of TopK": lab.fvu(trained, few),
    }
