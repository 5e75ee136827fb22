"""k-sparse probes on sae-probes' tables: dictionaries, raw activations, an untrained model.

    sparsetime testbeds fetch sae-probes
    python benchmarks/sae_probes.py [--keep]                  # the small form: 5 minutes of CPU
    python benchmarks/sae_probes.py --tables-characters 128 --tables-rows 1364 --rows 2000000

A table is a set of short texts with a label of two classes. Taken are all tables whose median text
has at most --tables-characters characters and that have --tables-rows rows, half of either class;
none is chosen by its result. The model is all-MiniLM-L6-v2, the site the output of its fourth
layer, and a text is read at its last token, as the original does. A probe reads the k latents (or
neurons) whose class means differ most on three quarters of the rows, and is scored by the area
under its ROC curve on the last quarter.

Readers: dictionaries, neurons of the site ("activations"), a dictionary without training ("random
dictionary"), and the activations and dictionaries of an untrained copy of the model. "reseed" is
the standard deviation over seeds of a dictionary: smaller differences mean nothing. "tables" is the
standard error over tables. Settings of dictionaries are their defaults, chosen on no table.
Differences from the original: no search for the regularisation, columns scaled by their root mean
square, 375 training rows.
The last line is JSON; --keep writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
import torch
from harness.figures import conclude, machine, table
from harness.sentence_model import (
    SITE,
    TRAINED,
    UNTRAINED,
    add_options,
    lengths_of,
    prepared,
    rows_of,
    working_folder,
)
from scipy.sparse import csr_matrix

import sparsetime as st
from sparsetime.statistics import k_sparse_probe, random_code, sequence_split
from sparsetime.statistics.linear_probe import as_strings, centred, sparse_matrix
from sparsetime.testbeds import probe_tables

KS = (1, 2, 5, 16, None)


def main() -> None:
    options = arguments()
    began = time.perf_counter()
    tables = probe_tables(options.tables_characters, options.tables_rows)
    folder, temporary = working_folder(options)
    subjects = prepared(options, folder)
    texts = [text for one in tables for text in one.texts]
    name = f"tables-{options.tables_characters}-{options.tables_rows}"
    stores = subjects.texts(texts, folder / name)
    print(f"{len(tables)} tables, {len(texts):,} texts", file=sys.stderr)
    x = {model: last_steps(store, len(texts)) for model, store in stores.items()}
    readers: dict[tuple[str, int | None], Any] = {
        ("activations", None): x[TRAINED],
        ("untrained activations", None): x[UNTRAINED],
    }
    for (model, recipe, seed), sae in subjects.dictionaries.items():
        reader = recipe if model == TRAINED else f"{recipe}, untrained model"
        readers[reader, seed] = encoded(sae, x[model])
    for seed in map(int, options.seeds.split(",")):
        code = random_code(x[TRAINED], options.width, options.k, seed)
        readers["random dictionary", seed] = sparse_matrix(code)
    result: dict[str, Any] = {"benchmark": "sae_probes", "machine": machine()}
    result |= {"version": st.__version__, "site": SITE, "tables": [one.name for one in tables]}
    result |= {
        key: getattr(options, key)
        for key in ("tables_characters", "tables_rows", "width", "k", "characters", "rows")
    }
    result["runs"] = runs = []
    by_reader: dict[str, list[np.ndarray]] = {}
    for (reader, _), rows in readers.items():
        by_reader.setdefault(reader, []).append(areas(rows, tables))
    for reader, values in by_reader.items():
        stacked = np.stack(values)  # [seeds, tables, ks]
        for number, k in enumerate(KS):
            of_seeds = stacked[:, :, number].mean(axis=1)
            of_tables = stacked[:, :, number].mean(axis=0)
            raw = by_reader["activations"][0][:, number]
            runs.append(
                {
                    "reader": reader,
                    "k": k,
                    "auroc": float(of_seeds.mean()),
                    "reseed": float(of_seeds.std(ddof=1)) if len(of_seeds) > 1 else None,
                    "tables": float(of_tables.std(ddof=1) / np.sqrt(len(tables))),
                    "over_activations": float((of_tables > raw).mean()),
                    "by_table": [round(float(value), 4) for value in of_tables],
                }
            )
    result |= {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time()}
    conclude("sae_probes", result, markdown(runs, len(tables)), options.keep)
    if temporary is not None:
        temporary.cleanup()


def last_steps(store: st.Store, texts: int) -> torch.Tensor:
    """Activations of the last token of every text, [texts, d]."""
    if len(store.sequence_indices) != texts:
        raise SystemExit(
            f"got {len(store.sequence_indices)} stored texts, expected {texts}: some have no token"
        )
    return rows_of(store)[torch.from_numpy(np.cumsum(lengths_of(store)) - 1)]


def encoded(sae: st.Dictionary, x: torch.Tensor) -> Any:
    with torch.no_grad():
        return sparse_matrix(sae.encode(x))


def areas(rows: Any, tables: list[Any]) -> np.ndarray:
    """The area under the ROC curve of every table and k, [tables, ks]."""
    found = np.zeros((len(tables), len(KS)))
    start = 0
    for place, one in enumerate(tables):
        stop = start + len(one.texts)
        split = sequence_split(as_strings(one.labels), seed=0)
        part = rows[start:stop]
        dense = isinstance(part, torch.Tensor)
        matrix = centred(part.double().numpy(), split) if dense else csr_matrix(part)
        for number, k in enumerate(KS):
            found[place, number] = k_sparse_probe(matrix, split, k)[0].auroc
        start = stop
    return found


def markdown(runs: list[dict[str, Any]], tables: int) -> str:
    readers = list(dict.fromkeys(run["reader"] for run in runs))
    lines = []
    for reader in readers:
        cells = [reader]
        for k in KS:
            run = next(run for run in runs if run["reader"] == reader and run["k"] == k)
            reseed = "" if run["reseed"] is None else f" ± {run['reseed']:.3f}"
            cells.append(f"{run['auroc']:.3f}{reseed}")
        lines.append(cells)
    head = [f"mean AUROC of {tables} tables", *(f"k {k}" if k else "all" for k in KS)]
    return table(head, lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables-characters", type=int, default=64)
    parser.add_argument("--tables-rows", type=int, default=500)
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
