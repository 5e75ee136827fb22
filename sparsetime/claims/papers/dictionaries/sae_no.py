"""SAE-NO against TopK: steps to recovery of smooth functions, and FVU on other grids."""

from functools import partial

from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.planted_functions import planted_functions
from sparsetime.claims.lab.steps_to_recovery import steps_to_recover
from sparsetime.dictionaries.function_spaces.resolution import at_resolution
from sparsetime.dictionaries.recipes import dictionary

_POINTS, _MODES, _WIDTH, _K = 128, 16, 96, 4
_STEPS, _SHARE, _HELD_OUT, _ROWS = (20, 40, 80, 160, 320), 0.8, 4000, 40_000


@claim(
    "sae_no",
    system=147,
    says="On sums of known smooth functions SAE-NO recovers 80% of them in fewer optimiser steps "
    "than TopK, and its FVU on grids twice and half as fine is about that on its own.",
    data="planted: 48 functions of 16 Fourier modes, about 3 at a time, on 128 points with noise",
    expects=[
        Less("steps of sae_no", than="steps of topk"),
        AtMost("FVU at 256 points", than="FVU at 128 points", times=1.1),
        AtMost("FVU at 64 points", than="FVU at 128 points", times=1.1),
        AtLeast("codes alike at 128 and 256 points", than=0.95),
    ],
    seconds=60,
    notes="Recovered: a cosine above 0.9. Tried numbers of steps double; where the largest is "
    "not enough, twice of it counts. FVU is of the functions without noise, and codes are compared "
    "on these, since noise differs between grids.",
    null=UNTRAINED,
    rule="With a known dictionary of smooth functions, the operator SAE recovers atoms in "
    "fewer steps than a plain SAE and tolerates changed sampling resolution.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    planted = planted_functions(seed, points=_POINTS, modes=_MODES)
    x = planted.rows(_POINTS)
    values: dict[str, float] = {}
    for recipe, settings in (("sae_no", {"modes": _MODES}), ("topk", {})):
        make = partial(dictionary, recipe, d_in=_POINTS, width=_WIDTH, k=_K, seed=seed, **settings)
        values[f"steps of {recipe}"] = steps_to_recover(
            make,
            x[_HELD_OUT:],
            planted.atoms(_POINTS),
            steps=_STEPS,
            share=_SHARE,
            seed=seed,
            train=lab.train,
        )
    sae = dictionary("sae_no", d_in=_POINTS, width=_WIDTH, k=_K, seed=seed, modes=_MODES)
    lab.train(sae, x[_HELD_OUT:], rows=_ROWS, seed=seed)
    active = {}
    for points in (64, 128, 256):
        moved, clean = at_resolution(sae, points), planted.clean(points)[:_HELD_OUT]
        code = moved.encode(planted.rows(points)[:_HELD_OUT])
        error = (moved.decode(code).detach() - clean).square().sum()
        values[f"FVU at {points} points"] = float(error / (clean - clean.mean(0)).square().sum())
        active[points] = moved.encode(clean).dense() > 0
    both, either = active[128] & active[256], active[128] | active[256]
    values["codes alike at 128 and 256 points"] = float(both.sum() / either.sum())
    return values
