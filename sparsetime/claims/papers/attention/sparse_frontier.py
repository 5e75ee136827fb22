"""The Sparse Frontier: highest sparsities within a bound, by method, task and phase."""

import math

from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.attention_calls import python_windows
from sparsetime.comparison.sweep import sweep
from sparsetime.comparison.sweep_methods import Phase
from sparsetime.testbeds.python_code.pretrained import code_model

LENGTH, WINDOWS, SPARSITIES, WITHIN = 96, 9, (0.5, 0.75, 0.875), 0.1
METHODS = ("exact_top_k", "sliding_window", "moba")
BOTH: tuple[Phase, ...] = ("prefill", "decode")


@claim(
    "sparse_frontier",
    system=11,
    says="One sweep fills every cell of three methods, two tasks and two phases, with a bound "
    "on the increase in loss, and the oracle keeps a higher sparsity within 0.1 nats than a "
    "window.",
    data="Python-source model, 8 windows of 96 tokens of held-out modules and one on which budgets "
    "are solved; text, and text that is pasted again",
    expects=[
        AtLeast("cells with a bound, of all", than=1.0),
        AtLeast("cells with a highest sparsity, of all", than=0.5),
        Less("highest sparsity of a window", than="highest sparsity of the oracle"),
    ],
    seconds=90,
    rule="A sweep reports the highest sparsity keeping accuracy within a confidence bound, "
    "separately for prefill and decode, per method and task.",
    notes="Seeds are of the windows. One small model and one length: nothing on model size. That "
    "decoding tolerates more than prefill is recorded, not expected. MoBA's blocks of 8 tokens do "
    "not reach 0.875 in prefill, nor 0.75 and 0.875 in decoding: a sixth of cells has no bound.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A sweep, and what its table says."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: the window stands in the place of the oracle."""
    settings = {"moba": {"block": 8}}
    methods = [attention_policy(name, **settings.get(name, {})) for name in METHODS]
    table = sweep(
        code_model(), methods, SPARSITIES, data=python_windows(seed, WINDOWS, LENGTH), phases=BOTH
    )
    cells = len(METHODS) * 2 * len(BOTH)
    highest = table.highest(WITHIN)
    bounded = sum(not math.isnan(point.bound) for point in table.points)

    def mean_of(method: str, phase: str = "") -> float:
        values = [
            0.0 if math.isnan(value) else value
            for (name, _, of), value in highest.items()
            if name == method and phase in ("", of)
        ]
        return sum(values) / len(values)

    oracle = "sliding_window" if null else "exact_top_k"
    return {
        "cells with a bound, of all": bounded / (cells * len(SPARSITIES)),
        "cells with a highest sparsity, of all": sum(not math.isnan(v) for v in highest.values())
        / cells,
        "highest sparsity of the oracle": mean_of(oracle),
        "highest sparsity of a window": mean_of("sliding_window"),
        "highest sparsity of the oracle in decoding": mean_of(oracle, "decode"),
        "highest sparsity of the oracle in prefill": mean_of(oracle, "prefill"),
    }
