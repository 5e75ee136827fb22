"""Leaky crosscoder: a hidden schedule read from running means of codes of windows."""

from sparsetime.claims.claim import Lab, Less, Replaced, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds import tempbench, tempbench_score

WINDOW, WIDTH, K, ROWS = 8, 64, 8, 60_000
BED = {"sequences": 240, "d": 24, "schedules": 5}


@claim(
    "leaky_crosscoder",
    says="Which of five orders the points of a circle are visited in is read by a linear readout "
    "from its codes, on held-out sequences, more often than from codes of the window crosscoder "
    "with the same weights.",
    data="TempBench's bed of permuted tones, a small one; held-out sequences",
    expects=[Less("accuracy, window crosscoder", than="accuracy, leaky crosscoder")],
    seconds=15,
    notes="Untrained dictionaries differ as much: what is read better are means over all steps of "
    "any atoms, and not of those that were learnt.",
    null=Replaced("leaky_crosscoder", by="window_crosscoder", window=WINDOW),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Balanced accuracy; codes of the leaky one are means over all earlier steps."""
    bed = tempbench("permuted_tones", seed=seed, **BED)
    half = bed.activations[: len(bed.activations) // 2]
    values = {}
    for name, recipe in (
        ("window crosscoder", "window_crosscoder"),
        ("leaky crosscoder", "leaky_crosscoder"),
    ):
        sae = dictionary(recipe, d_in=24, width=WIDTH, k=K, window=WINDOW, seed=seed)
        lab.train(sae, half, rows=ROWS, batch=512, seed=seed)
        values[f"accuracy, {name}"] = tempbench_score(
            sae.encode(bed.activations), bed, WINDOW
        ).score
    return values
