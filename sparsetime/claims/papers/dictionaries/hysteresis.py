"""Hysteresis against BatchTopK: flicker and FVU at equal L0."""

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, claim
from sparsetime.claims.lab.code_changes import code_changes

WIDTH, ROWS = 256, 60_000
K, LOW = 16, 0.5
K_INSIDE = 13  # so that L0 with hysteresis is at most K


@claim(
    "hysteresis",
    says="At BatchTopK's L0, a quarter fewer latents become active or silent from a step to the "
    "next, and FVU is at most a tenth higher.",
    data="planted features whose dwell is 1 to 500 steps",
    expects=[
        AtMost("L0 with hysteresis", than="L0 of BatchTopK", times=1.02),
        AtMost("flips with hysteresis", than="flips of BatchTopK", times=0.75),
        AtMost("FVU with hysteresis", than="FVU of BatchTopK", times=1.1),
    ],
    notes="On tokens of code and prose nine tenths of all latents fall silent after one token, far "
    "below any lower threshold, and flips fall by 1% only.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Flips: mean number of latents that become active or silent from a step to the next."""
    data = lab.planted(seed)
    values = {}
    for name, recipe, settings in (
        ("of BatchTopK", "batch_topk", {"k": K}),
        ("with hysteresis", "hysteresis", {"k": K_INSIDE, "low": LOW}),
    ):
        sae = st.dictionary(recipe, d_in=data.d, width=WIDTH, seed=seed, **settings)
        lab.train(sae, data.train, rows=ROWS, seed=seed)
        measured = code_changes(sae, data.held_out_sequences)
        values[f"L0 {name}"] = measured.l0
        values[f"flips {name}"] = measured.flips
        values[f"FVU {name}"] = measured.fvu
    return values
