"""Essential Sparsity: the knee of one-shot magnitude pruning, by structure and training step."""

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss
from sparsetime.claims.lab.python_documents import python_windows
from sparsetime.computation.knee import knee
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.python_code.pretrained import code_model

STEPS = (164, 412, 1035, None)
FREE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
N_OF_8 = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75)
WINDOWS, BUDGET = 8, 0.01


@claim(
    "essential_sparsity",
    system=61,
    says="One-shot magnitude pruning of a small language model has a knee at every checkpoint, "
    "free and N:8: up to it the loss rises by less than 1%, and behind it much faster.",
    data="the Python-source model at 4 of its steps of training; 8 held-out modules a seed",
    expects=[
        AtLeast("least knee, free", than=0.1),
        AtLeast("least knee, N:8", than=0.1),
        AtLeast("checkpoints whose knee lies within the sweep", than=len(STEPS)),
        Less("slope up to the knee", than="slope behind the knee", times=0.2),
    ],
    seconds=60,
    rule="a one-shot pruning sweep on a small pretrained transformer locates the knee "
    "automatically, unstructured and N:M, and tracks it across training checkpoints.",
    notes="The knee is the sparsity at which the loss has risen by 1%. The paper also finds higher "
    "knees with more training data; here the knee by step of training is reported and not judged.",
    null=lambda lab, seed: _values(seed, score="random"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Sweeps of two structures at four checkpoints."""
    return _values(seed)


def _values(seed: int, score: str = "magnitude") -> dict[str, float]:
    """score: "random" is the null, in which the removed weights are any."""
    values: dict[str, float] = {}
    knees, eighths, inside = [], [], 0
    for step in STEPS:
        free, dense = _sweep(step, "free", FREE, score, seed)
        found = knee(FREE, free, BUDGET * dense)
        eighth = knee(N_OF_8, _sweep(step, "n_m", N_OF_8, score, seed)[0], BUDGET * dense)
        knees.append(found.by_budget)
        eighths.append(eighth.by_budget)
        inside += FREE[0] < found.by_budget < FREE[-1]
        name = "the end" if step is None else f"step {step}"
        values[f"knee at {name}, free"] = found.by_budget
        values[f"knee by the chord at {name}, free"] = found.by_chord
        values[f"knee at {name}, N:8"] = eighth.by_budget
    last = found.by_budget
    up_to = BUDGET * dense / max(last, 1e-3)
    behind = (free[-1] - BUDGET * dense) / (FREE[-1] - last)
    return {
        "least knee, free": min(knees),
        "least knee, N:8": min(eighths),
        "checkpoints whose knee lies within the sweep": float(inside),
        "slope up to the knee": up_to,
        "slope behind the knee": behind,
        **values,
    }


def _sweep(
    step: int | None, structure: str, sparsities: tuple[float, ...], score: str, seed: int
) -> tuple[list[float], float]:
    """The increase in loss at each sparsity, and the dense loss."""
    model = code_model(step=step)
    windows = python_windows(model, WINDOWS, seed=seed, held_out=True)
    kind = {"kind": "n_m", "m": 8} if structure == "n_m" else structure
    losses = []
    for sparsity in sparsities:
        sparse = sparsify(model, score=score, structure=kind, sparsity=sparsity, seed=seed)
        losses.append(mean_loss(model.model, windows))
        sparse.dense()
    return [loss - losses[0] for loss in losses], losses[0]
