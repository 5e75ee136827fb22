"""TempBench: how well codes show hidden variables over time, recipe by bed, on ten small worlds.

    python benchmarks/tempbench.py [--beds phase_pairs] [--recipes topk] [--seeds 31,32,33] [--keep]
    python benchmarks/tempbench.py --rows 20000 --sequences 400      # a quick look

The beds are rebuilt from their descriptions (`docs/rooms/testbeds.md`); random numbers, and so
scores, are not those of the publication. Dictionaries are trained on the first half of a bed's
sequences, the linear readout is fitted there too, and scored on the second half. Width and k of a
bed are the same for every recipe of single steps; a window of 8 steps has 8 times that k, at most a
quarter of its width. They follow from the numbers of true features and were not tuned.

Seeds are of the dictionary alone, in one world: "reseed" is the standard deviation over them, and
smaller differences between recipes mean nothing. The chance level and the ceiling are those of a
reader of as many steps as the recipe reads. The last line is JSON; --keep writes it to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime.testbeds import (
    BEDS,
    TempBenchData,
    TempBenchScore,
    direction_score,
    tempbench,
    tempbench_score,
)

WINDOW = 8
#: Width of the dictionaries and k for a single step, by bed.
SIZES = {
    "markov_supports": (40, 6),
    "coupled_chains": (40, 2),
    "self_exciting": (40, 4),
    "change_points": (40, 4),
    "cyclic_frequency": (101, 4),
    "multilane_tones": (101, 4),
    "phase_pairs": (101, 4),
    "coloured_sources": (64, 8),
    "permuted_tones": (101, 4),
    "instruction_phases": (40, 4),
}


def main() -> None:
    options = arguments()
    result: dict[str, Any] = {"benchmark": "tempbench", "machine": machine()}
    result |= {"version": st.__version__, "threads": torch.get_num_threads()}
    result["runs"] = runs = []
    for name in options.beds.split(","):
        settings = {"sequences": options.sequences} if options.sequences else {}
        bed = tempbench(name, seed=options.world, **settings)
        for recipe in options.recipes.split(","):
            began = time.perf_counter()
            window = WINDOW if recipe == "window_crosscoder" else 1
            seeds = [int(seed) for seed in options.seeds.split(",")]
            scores = [trained(bed, recipe, window, seed, options.rows) for seed in seeds]
            values = [one.score for one in scores]
            run = {"recipe": recipe, "bed": name, "window": window, "seeds": seeds}
            run |= {"score": float(np.mean(values)), "reseed": float(np.std(values, ddof=1))}
            run |= {"chance": scores[0].chance, "ceiling": scores[0].ceiling}
            run |= {"rows": options.rows, "seconds": (time.perf_counter() - began) / len(seeds)}
            runs.append(run)
            print(json.dumps(run), file=sys.stderr)
    conclude("tempbench", result, markdown(runs), options.keep)


def trained(bed: TempBenchData, recipe: str, window: int, seed: int, rows: int) -> TempBenchScore:
    """Score of one dictionary, trained on the first half of the sequences."""
    width, k = SIZES[bed.bed]
    options = {"window": window, "k": min(k * window, width // 4)} if window > 1 else {"k": k}
    d = bed.activations.shape[2]
    sae = st.dictionary(recipe, d_in=d, width=width, seed=seed, **options)
    fitted = bed.activations[: len(bed.activations) // 2]
    with tempfile.TemporaryDirectory() as folder:
        sae = st.train(
            sae, fitted, out=Path(folder) / "run", rows=rows, batch=512, show=False
        ).dictionary
    if bed.bed == "coloured_sources":
        atoms = sae.decoder.profile if window > 1 else sae.atoms
        return direction_score(atoms.detach().reshape(-1, d), bed, window)
    with torch.no_grad():
        return tempbench_score(sae.encode(bed.activations), bed, window)


def markdown(runs: list[dict[str, Any]]) -> str:
    head = ["bed", "recipe", "steps read", "score", "reseed", "chance", "ceiling", "seconds"]
    rows = [
        [run["bed"], run["recipe"], f"{run['window']}"]
        + [f"{run[key]:.3f}" for key in ("score", "reseed", "chance", "ceiling")]
        + [f"{run['seconds']:.1f}"]
        for run in runs
    ]
    return table(head, rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--beds", default=",".join(BEDS))
    recipes = "topk,batch_topk,temporal_matryoshka,window_crosscoder"
    parser.add_argument("--recipes", default=recipes)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--sequences", type=int, help="of every bed; the bed's own number if unset")
    parser.add_argument("--world", type=int, default=31, help="seed of the beds")
    parser.add_argument("--seeds", default="31,32,33", help="of the dictionaries, two at least")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    if len(options.seeds.split(",")) < 2:
        parser.error(f"got --seeds {options.seeds}, expected two at least; add one, as in 31,32")
    return options


if __name__ == "__main__":
    main()
