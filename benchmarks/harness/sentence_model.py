"""all-MiniLM-L6-v2 and an untrained copy, with dictionaries of both, for benchmarks of probes."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime.testbeds import minilm
from sparsetime.testbeds.prose.build import documents

SITE = "encoder.layer.3"
TRAINED, UNTRAINED = "MiniLM", "untrained MiniLM"


@dataclass
class Subjects:
    """The two models, and dictionaries by (model, recipe, seed)."""

    models: dict[str, Any]
    dictionaries: dict[tuple[str, str, int], Any] = field(default_factory=dict)

    def texts(self, texts: Sequence[str], folder: Path) -> dict[str, st.Store]:
        """The texts captured of both models."""
        return {
            name: st.capture(model, texts, SITE, folder / name.replace(" ", "-"), progress=False)
            for name, model in self.models.items()
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipes", default="topk,batch_topk,matryoshka_batch_topk")
    parser.add_argument("--seeds", default="31,32,33", help="of the dictionaries")
    parser.add_argument("--width", type=int, default=1536)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--characters", type=int, default=300_000, help="of prose, for training")
    parser.add_argument("--rows", type=int, default=300_000, help="that a dictionary is trained on")
    parser.add_argument("--folder", help="keeps captures and dictionaries for the next run")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)


def prepared(options: argparse.Namespace, folder: Path) -> Subjects:
    """The models and their dictionaries, trained on prose that ships with Python.

    Every recipe is trained on both models' activations with its defaults.
    """
    model = minilm()
    subjects = Subjects({TRAINED: model, UNTRAINED: st.models.untrained_copy(model)})
    for name, one in subjects.models.items():
        at = folder / name.replace(" ", "-")
        store = st.capture(
            one,
            documents(options.characters),
            SITE,
            at / "prose",
            window=128,
            overlap=32,
            dtype="float16",
            progress=False,
        )
        for recipe in options.recipes.split(","):
            for seed in map(int, options.seeds.split(",")):
                sae = st.dictionary(
                    recipe, d_in=store.d, width=options.width, k=options.k, seed=seed
                )
                run = st.train(
                    sae,
                    store,
                    out=at / f"{recipe}-{seed}",
                    rows=options.rows,
                    batch=2048,
                    seed=seed,
                    show=False,
                )
                subjects.dictionaries[name, recipe, seed] = run.dictionary
    return subjects


def lengths_of(store: st.Store) -> np.ndarray:
    return np.asarray(store.sequences["length"].to_numpy())


def rows_of(store: st.Store) -> torch.Tensor:
    """All steps of all texts, in their order."""
    return store.read(0, len(store)).float()


def working_folder(options: argparse.Namespace) -> tuple[Path, Any]:
    """The folder of captures and dictionaries, and what removes it where it is temporary."""
    if options.folder:
        return Path(options.folder), None
    temporary = tempfile.TemporaryDirectory()
    return Path(temporary.name), temporary
