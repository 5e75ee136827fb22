"""Gradual magnitude pruning: a large pruned model against a small dense one."""

from typing import Any

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.testbeds.character_lm.model import character_lm, character_windows

LARGE = {"d": 96, "hidden": 384, "heads": 4}
SMALL = {"d": 48, "hidden": 192, "heads": 4}  # a quarter of the entries of each matrix
SPARSITY, STEPS, BATCH, RATE = 0.75, 300, 16, 3e-3
REACHED, EVERY, WINDOWS = 200, 10, 256


@claim(
    "gradual_pruning",
    system=46,
    says="A transformer that is pruned to a quarter of its weights during training has a lower "
    "test loss than a dense one with as many weights.",
    data="models of characters on the standard library's source, 300 steps; held-out modules",
    expects=[Less("loss of large and pruned", than="loss of small and dense")],
    seconds=85,
    rule="at equal nonzero parameters, a gradually pruned larger LSTM or transformer reaches lower "
    "test loss than a small dense one.",
    notes="Matrices of attention and MLPs have as many weights; the table of characters, twice "
    "as wide in the large model, is counted for neither. Training costs the large model four times "
    "the multiplications.",
    null=lambda lab, seed: _values(seed, pruned_first=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both models on the same windows."""
    return _values(seed)


def _values(seed: int, pruned_first: bool = False) -> dict[str, float]:
    """pruned_first: the null, in which the large model is pruned and not trained."""
    train = character_windows(STEPS * BATCH, seed=seed, held_out=False)
    held_out = character_windows(WINDOWS, seed=seed, held_out=True)
    values = {}
    for name, sizes in (("large and pruned", LARGE), ("small and dense", SMALL)):
        model = character_lm("relu", seed=seed, **sizes)
        sparse = None
        if name == "large and pruned":
            way = "magnitude" if pruned_first else "gradual"
            settings: dict[str, Any] = {} if pruned_first else {"steps": REACHED, "every": EVERY}
            sparse = sparsify(model, way, sparsity=SPARSITY, **settings)
        if sparse is None or not pruned_first:
            train_net(
                model, train, steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed,
                sparse=sparse,
            )  # fmt: skip
        values[f"loss of {name}"] = mean_loss(model, held_out)
        matrices = [matrix.parameter for matrix in weight_matrices(model)]
        values[f"weights of {name}"] = float(sum(int((w != 0).sum()) for w in matrices))
    return values
