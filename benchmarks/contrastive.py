"""CE-Bench's scores on contrastive pairs of our own: dictionaries, a random one, untrained twins.

    python benchmarks/contrastive.py [--keep] [--folder runs/minilm]

384 pairs of texts that differ in one respect (`st.testbeds.contrastive_pairs()`), read at the
fourth layer of all-MiniLM-L6-v2. Readers: dictionaries trained on prose, a dictionary without
training ("random dictionary"), the activations, and the same of an untrained copy of the model.
Codes have one width, since the published scores grow with it; activations have fewer columns, so
their published scores are not comparable.

For each score the mean over seeds of the dictionary, its null (shuffled pairs; for the direction,
texts of a pair in random order), and the standard deviation over seeds ("reseed"). A published
score at or below its null shows no contrast. The last line is JSON; --keep writes it to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from harness.figures import conclude, machine, table
from harness.sentence_model import (
    SITE,
    TRAINED,
    add_options,
    lengths_of,
    prepared,
    rows_of,
    working_folder,
)

import sparsetime as st
from sparsetime.metrics import contrastive_scores
from sparsetime.statistics import random_code
from sparsetime.testbeds import contrastive_pairs

SCORES = ("contrastive", "independence", "interpretability", "direction")


def main() -> None:
    options = arguments()
    began = time.perf_counter()
    folder, temporary = working_folder(options)
    subjects = prepared(options, folder)
    bed = contrastive_pairs()
    pairing = (bed.pairs, bed.subjects, bed.contrasts, bed.wordings)
    stores = subjects.texts(bed.texts, folder / "pairs")
    readers: dict[str, list[Any]] = {}
    lengths = {}
    for model, store in stores.items():
        x = rows_of(store)
        suffix = "" if model == TRAINED else ", untrained model"
        readers[f"activations{suffix}"] = [x]
        lengths[suffix] = lengths_of(store)
        for seed in map(int, options.seeds.split(",")):
            random = random_code(x, options.width, options.k, seed)
            readers.setdefault(f"random dictionary{suffix}", []).append(random)
        with torch.no_grad():
            for (of, recipe, _), sae in subjects.dictionaries.items():
                if of == model:
                    readers.setdefault(f"{recipe}{suffix}", []).append(sae.encode(x))
    result: dict[str, Any] = {"benchmark": "contrastive", "machine": machine()}
    result |= {"version": st.__version__, "site": SITE, "pairs": len(bed.pairs)}
    result |= {key: getattr(options, key) for key in ("width", "k", "characters", "rows")}
    result["runs"] = runs = []
    for reader, codes in readers.items():
        suffix = ", untrained model" if reader.endswith(", untrained model") else ""
        found = [contrastive_scores(code, lengths[suffix], *pairing) for code in codes]
        run: dict[str, Any] = {"reader": reader, "seeds": len(codes)}
        for name in SCORES:
            estimates = [getattr(scores, name) for scores in found]
            values = [one.value for one in estimates]
            run[name] = float(np.mean(values))
            run[f"{name}_null"] = float(np.mean([one.null for one in estimates]))
            run[f"{name}_interval"] = estimates[0].interval
            run[f"{name}_reseed"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        runs.append(run)
    result |= {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    conclude("contrastive", result, markdown(runs), options.keep)
    if temporary is not None:
        temporary.cleanup()


def markdown(runs: list[dict[str, Any]]) -> str:
    rows = []
    for run in runs:
        cells = [run["reader"]]
        for name in SCORES:
            reseed = run[f"{name}_reseed"]
            noise = "" if reseed is None else f" ± {reseed:.2f}"
            cells.append(f"{run[name]:.2f}{noise} (null {run[f'{name}_null']:.2f})")
        rows.append(cells)
    return table(["reader", *SCORES], rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
