"""Which learning rate suits a short training, by the size of its batches?

    python benchmarks/learning_rate.py [--batches 64,256,1024] [--steps 235]

Dictionaries of width 512 and k 16 learn on the four testbeds for the same number of steps, at
shares and multiples of the default rate. Measured on sequences that none was trained on. The last
line is JSON: the fraction of variance unexplained of each, and the mean over testbeds and recipes
of its ratio to that at the default (geometric). --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from typing import Any

from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

RECIPES = ("batch_topk", "temporal_matryoshka", "matryoshka_batch_topk")
BEDS = ("synthetic", "python", "prose", "series")
SHARES = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
WIDTH, K, SEED, MEASURED = 512, 16, 7, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", default="64,256,1024")
    parser.add_argument("--steps", type=int, default=235)
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    from sparsetime import testbed

    batches = [int(batch) for batch in options.batches.split(",")]
    runs = []
    for name in BEDS:
        train, held_out = testbed(name).split(0.1, SEED)
        for batch in batches:
            for recipe in RECIPES:
                fvu = {share: error(recipe, train, held_out, batch, options.steps, share)
                       for share in SHARES}  # fmt: skip
                runs.append({"bed": name, "batch": batch, "recipe": recipe, "fvu": fvu})
                print(json.dumps(runs[-1]), flush=True)
    ratios = {batch: [mean_ratio(runs, batch, share) for share in SHARES] for batch in batches}
    rows = [[str(batch), *(f"{ratio:.3f}" for ratio in ratios[batch])] for batch in batches]
    head = ["rows in a batch", *(f"{share:g} x default" for share in SHARES)]
    result = {"steps": options.steps, "found": runs, "ratios": ratios, "machine": machine()}
    conclude("learning_rate", result, table(head, rows), options.keep)


def error(recipe: str, train: Any, held_out: Any, batch: int, steps: int, share: float) -> float:
    """The fraction of held-out variance that is left unexplained."""
    import sparsetime as st
    from sparsetime.training import TrainConfig

    sae = st.dictionary(recipe, d_in=train.d, width=WIDTH, k=K, seed=SEED)
    rows = batch * steps
    rate = share * TrainConfig(rows=rows, batch=batch).rate(WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        st.train(sae, train, out=folder, show=False, rows=rows, batch=batch, seed=SEED,
                 learning_rate=rate, checkpoint_every=steps + 1)  # fmt: skip
    x = held_out.read(0, min(MEASURED, len(held_out))).float()
    code = sae.eval().encode(x)
    left = (x - sae.decode(code)).square().sum()
    return round(float((left / (x - x.mean(0)).square().sum()).detach()), 4)


def mean_ratio(runs: list[dict[str, Any]], batch: int, share: float) -> float:
    """The geometric mean over testbeds and recipes of the error over that at the default rate."""
    logs = [math.log(run["fvu"][share] / run["fvu"][1.0]) for run in runs if run["batch"] == batch]
    return round(math.exp(statistics.fmean(logs)), 4)


if __name__ == "__main__":
    main()
