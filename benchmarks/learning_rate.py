"""Which learning rate suits a short training, by the size of its batches?

    python benchmarks/learning_rate.py [--batches 64,256,1024] [--steps 235]
    python benchmarks/learning_rate.py --batches 512 --steps 3906 --shares 0.5,1,2

Dictionaries of width 512 and k 16 learn on the four testbeds for the same number of steps, at
shares and multiples of the default rate. Measured on sequences that none was trained on. The last
line is JSON: the fraction of variance unexplained of each and its mean L0, and the mean over
testbeds and recipes of the error's ratio to that at the default (geometric). --keep also writes it
to benchmarks/results/. Trainings are kept in build/benchmarks and not repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from typing import Any

from harness.environments import CACHE
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

RECIPES = ("batch_topk", "temporal_matryoshka", "matryoshka_batch_topk")
BEDS = ("synthetic", "python", "prose", "series")
SHARES = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
WIDTH, K, SEED, MEASURED = 512, 16, 7, 20_000
LONG = 1000  # steps from which on results are those of long trainings
KEPT = CACHE / "learning_rate.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", default="64,256,1024")
    parser.add_argument("--steps", type=int, default=235)
    parser.add_argument("--beds", default=",".join(BEDS))
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--shares", default=",".join(map(str, SHARES)))
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    from sparsetime import testbed

    batches = [int(batch) for batch in options.batches.split(",")]
    shares = [float(share) for share in options.shares.split(",")]
    runs = []
    for name in options.beds.split(","):
        train, held_out = testbed(name).split(0.1, SEED)
        for batch in batches:
            for recipe in options.recipes.split(","):
                fvu, l0 = {}, {}
                for share in shares:
                    task = {"bed": name, "recipe": recipe, "batch": batch,
                            "steps": options.steps, "share": share}  # fmt: skip
                    fvu[share], l0[share] = once(task, train, held_out)
                runs.append({"bed": name, "batch": batch, "recipe": recipe, "fvu": fvu, "l0": l0})
                print(json.dumps(runs[-1]), flush=True)
    ratios = {batch: [mean_ratio(runs, batch, share) for share in shares] for batch in batches}
    rows = [[str(batch), *(f"{ratio:.3f}" for ratio in ratios[batch])] for batch in batches]
    head = ["rows in a batch", *(f"{share:g} x default" for share in shares)]
    result = {"steps": options.steps, "found": runs, "ratios": ratios, "machine": machine()}
    name = "learning_rate" if options.steps < LONG else "learning_rate_long"
    conclude(name, result, table(head, rows), options.keep)


def once(task: dict[str, Any], train: Any, held_out: Any) -> tuple[float, float]:
    """The error and the mean L0 of a training, which is noted and not repeated."""
    about = {**task, "version": 1}  # higher where defaults change what a training ends with
    if KEPT.exists():
        for line in map(json.loads, KEPT.read_text().splitlines()):
            if line["about"] == about:
                return line["fvu"], line["l0"]
    names = ("recipe", "batch", "steps", "share")
    fvu, l0 = measured(train=train, held_out=held_out, **{n: task[n] for n in names})
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with KEPT.open("a") as file:
        file.write(json.dumps({"about": about, "fvu": fvu, "l0": l0}) + "\n")
    return fvu, l0


def measured(
    recipe: str, train: Any, held_out: Any, batch: int, steps: int, share: float
) -> tuple[float, float]:
    """The fraction of held-out variance that is left unexplained, and the mean L0."""
    import sparsetime as st
    from sparsetime.training import TrainConfig

    size = {"l0": float(K)} if recipe == "jumprelu" else {"k": K}
    sae = st.dictionary(recipe, d_in=train.d, width=WIDTH, seed=SEED, **size)
    rows = batch * steps
    rate = share * TrainConfig(rows=rows, batch=batch).rate(WIDTH)
    with tempfile.TemporaryDirectory() as folder:
        st.train(sae, train, out=folder, show=False, rows=rows, batch=batch, seed=SEED,
                 learning_rate=rate, checkpoint_every=steps + 1)  # fmt: skip
    x = held_out.read(0, min(MEASURED, len(held_out))).float()
    code = sae.eval().encode(x)
    left = (x - sae.decode(code)).square().sum()
    fvu = float((left / (x - x.mean(0)).square().sum()).detach())
    return round(fvu, 4), round(len(code.indices) / code.rows, 2)


def mean_ratio(runs: list[dict[str, Any]], batch: int, share: float) -> float:
    """The geometric mean over testbeds and recipes of the error over that at the default rate."""
    logs = [math.log(run["fvu"][share] / run["fvu"][1.0]) for run in runs if run["batch"] == batch]
    return round(math.exp(statistics.fmean(logs)), 4)


if __name__ == "__main__":
    main()
