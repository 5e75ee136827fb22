"""Slow/fast: one weight traces the frontier between flicker and error."""

from itertools import pairwise

import sparsetime as st
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.code_changes import code_changes

WIDTH, ROWS, K = 256, 50_000, 16
WEIGHTS = (0.1, 0.3, 1.0, 3.0)


def _flicker(weight: float) -> str:
    return f"flicker at {weight:g}"


def _error(weight: float) -> str:
    return f"FVU at {weight:g}"


@claim(
    "slow_fast",
    says="The more the changes of the slow part cost in training, the less it flickers and the "
    "more is left unexplained: every weight is a point of one frontier.",
    data="planted features whose dwell is 1 to 500 steps",
    expects=[
        *(Less(_flicker(more), than=_flicker(less)) for less, more in pairwise(WEIGHTS)),
        *(AtMost(_error(less), than=_error(more), times=1.02) for less, more in pairwise(WEIGHTS)),
    ],
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Flicker: how many slow latents go on or off at a step, for each that is on."""
    data = lab.planted(seed)
    held_out = data.held_out_sequences
    learnt = data.truth.activations[len(held_out) :]
    values = {}
    for weight in WEIGHTS:
        sae = st.dictionary("slow_fast", d_in=data.d, width=WIDTH, k=K, variation=weight, seed=seed)
        lab.train(sae, learnt, rows=ROWS, seed=seed)
        found = code_changes(sae, held_out, sae.groups[0])
        values[_flicker(weight)] = found.flips / max(found.l0, 1e-9)
        values[_error(weight)] = found.fvu
        values[f"slow latents on at {weight:g}"] = found.l0
    return values
