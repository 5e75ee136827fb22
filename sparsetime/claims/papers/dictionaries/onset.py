"""Onset SAE: change points read linearly from its codes."""

from sparsetime.claims.claim import UNTRAINED, AtLeast, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds import tempbench, tempbench_score

WIDTH, K, ROWS = 40, 4, 60_000
RECIPES = {
    "onset": {},
    "topk": {},
    "window_crosscoder": {"window": 2},
}


@claim(
    "onset",
    says="A linear readout of one step's code decides on held-out sequences whether the hidden "
    "mode has just changed, which neither the codes of TopK nor those of a crosscoder over the "
    "same two steps allow.",
    data="TempBench's bed of change points, 240 sequences; held-out sequences",
    expects=[
        AtLeast("accuracy, onset", than=0.9),
        Less("accuracy, topk", than="accuracy, onset"),
        Less("accuracy, window_crosscoder", than="accuracy, onset"),
    ],
    seconds=15,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Balanced accuracy of logistic regression."""
    bed = tempbench("change_points", seed=seed, sequences=240)
    half = bed.activations[: len(bed.activations) // 2]
    values = {}
    for recipe, options in RECIPES.items():
        sae = dictionary(recipe, d_in=half.shape[2], width=WIDTH, k=K, seed=seed, **options)
        lab.train(sae, half, rows=ROWS, batch=512, seed=seed)
        values[f"accuracy, {recipe}"] = tempbench_score(sae.encode(bed.activations), bed, 2).score
    return values
