"""Slow/fast: one weight traces the frontier between flicker and error."""

from itertools import pairwise

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.claims.lab.code_changes import code_changes

WIDTH, ROWS, K = 256, 50_000, 16
WEIGHTS = (0.1, 0.3, 1.0, 3.0)


def _flicker(weight: float) -> str:
    return f"flicker at {weight:g}"


def _error(weight: float) -> str:
    return f"FVU at {weight:g}"


@claim(
    "slow_fast",
    says="The larger the weight on changes of the slow group, the less it flickers and the higher "
    "is FVU: every weight is a point of one frontier.",
    data="planted features whose dwell is 1 to 500 steps",
    expects=[
        *(Less(_flicker(more), than=_flicker(less)) for less, more in pairwise(WEIGHTS)),
        *(AtMost(_error(less), than=_error(more), times=1.02) for less, more in pairwise(WEIGHTS)),
    ],
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Flicker: flips of slow latents at a step, divided by the number of active ones."""
    data = lab.planted(seed)
    held_out = data.held_out_sequences
    training = data.truth.activations[len(held_out) :]
    values = {}
    for weight in WEIGHTS:
        sae = st.dictionary("slow_fast", d_in=data.d, width=WIDTH, k=K, variation=weight, seed=seed)
        lab.train(sae, training, rows=ROWS, seed=seed)
        measured = code_changes(sae, held_out, sae.groups[0])
        values[_flicker(weight)] = measured.flips / max(measured.l0, 1e-9)
        values[_error(weight)] = measured.fvu
        values[f"slow latents active at {weight:g}"] = measured.l0
    return values
