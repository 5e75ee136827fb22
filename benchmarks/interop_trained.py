"""A SAELens dictionary of real activations in the explorer, and one of ours in SAELens.

    python benchmarks/interop_trained.py [--keep] [--folder runs/theirs]

SAELens trains a BatchTopK dictionary on layer 1 of the model of Python code that the package has,
in its own environment, and saves it. One call captures, indexes and makes the run that
`sparsetime explore` opens; its hook is resolved to the site. A dictionary of ours is trained on the
same rows and written for SAELens. FVU and L0 on held-out rows are those of SAELens's class and
those of sparsetime. The last line is JSON; --keep writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from harness.environments import PEERS, NotInstalled, python_of
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from safetensors.torch import save_file

import sparsetime as st
from sparsetime.interop import run_of_dictionary

HOOK, SITE, CHARACTERS = "blocks.1.hook_resid_post", "model.layers.1", 12_000
TEXTS = ("json/decoder.py", "json/encoder.py", "csv.py", "bisect.py", "heapq.py", "textwrap.py")
MORE = ("glob.py", "shlex.py", "string.py", "sched.py", "queue.py", "fnmatch.py", "contextlib.py")


def main() -> None:
    options = arguments()
    try:
        python = python_of("sae_lens")
    except NotInstalled as error:
        print(json.dumps({"benchmark": "interop_trained", "skipped": str(error)}))
        return
    folder = Path(options.folder or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    model = st.testbeds.code_model()
    library = Path(json.__file__).parent.parent
    texts = [(library / name).read_text()[:CHARACTERS] for name in (*TEXTS, *MORE)]
    store = st.capture(model, texts, SITE, folder / "activations", progress=False)
    train, held_out = st.split(store, "sequence", held_out=0.25)
    rows = {"train": rows_of(train), "held_out": rows_of(held_out)}
    save_file(rows, folder / "rows.st")
    about = {"model_name": model.name, "hook_name": HOOK}
    (folder / "about.json").write_text(json.dumps(about))
    run(python, "train", folder)

    began = time.perf_counter()
    opened = run_of_dictionary(folder / "theirs", model, texts, folder / "run", progress=False)
    seconds = time.perf_counter() - began
    theirs = st.load(f"{opened}/sae")
    assert theirs.provenance["site"] == SITE

    ours = st.dictionary("batch_topk", d_in=store.d, width=theirs.width, k=16)
    ours = st.train(
        ours, train, out=folder / "batch_topk", rows=400 * 1024, batch=1024, show=False
    ).dictionary
    st.convert(ours, folder / "ours", "saelens")
    run(python, "evaluate", folder)

    cells = []
    for name, sae in (("theirs", theirs), ("ours", ours)):
        there = json.loads((folder / name / "values.json").read_text())
        here = st.evaluate(sae, held_out, ["fvu", "l0"], progress=False)
        cells.append(
            {"dictionary": name, "there": there, "here": {n: here[n].value for n in there}}
        )
    shown = [
        [cell["dictionary"], *(f"{cell[side][n]:.4f}" for n in ("fvu", "l0") for side in SIDES)]
        for cell in cells
    ]
    head = ["dictionary", "FVU by SAELens", "FVU here", "L0 by SAELens", "L0 here"]
    result: dict[str, Any] = {"machine": machine(), "cells": cells, "rows": len(store)}
    result["seconds_to_explorer"] = round(seconds, 1)
    conclude("interop_trained", result, table(head, shown), options.keep)


SIDES = ("there", "here")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    parser.add_argument("--folder", help="keep the run here, for `sparsetime explore FOLDER/run`")
    add_selection_dtype(parser)
    return parser.parse_args()


def rows_of(store: Any) -> torch.Tensor:
    return torch.cat([store.sequence(i).values.float() for i in range(len(store.sequences))])


def run(python: Path, command: str, folder: Path) -> None:
    worker = str(PEERS / "interop_train_sae_lens.py")
    done = subprocess.run(
        [str(python), worker, command, str(folder.resolve())], capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])


if __name__ == "__main__":
    main()
