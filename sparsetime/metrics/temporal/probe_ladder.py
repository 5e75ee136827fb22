"""Probe ladder: accuracy of linear probes, from fast labels to slow, by group of latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.activations.store.stored_sequence import labels_of_steps
from sparsetime.codes import SparseCode, concatenate
from sparsetime.errors import DataError, MismatchError, unknown_name
from sparsetime.features.encoding import encode_store
from sparsetime.metrics.latent_groups import latent_groups
from sparsetime.metrics.temporal.sequences import check_labels
from sparsetime.statistics.linear_probe import (
    as_strings,
    centred,
    probe_matrix,
    probe_split,
    sparse_matrix,
)
from sparsetime.statistics.nulls import random_code

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

RANDOM = "random dictionary"
RAW = "activations"


@final
@dataclass(frozen=True)
class LabelProbe:
    """Accuracy of a linear probe for one label from one reader.

    accuracy: on test steps, 0 to 1; interval: its middle 95% over blocks of time. baseline: of
    always predicting the most frequent class of the training steps. null: the accuracy from a
    random dictionary, None where no such reader was given.
    """

    label: str
    reader: str
    accuracy: float
    interval: tuple[float, float]
    baseline: float
    null: float | None
    classes: int
    test_steps: int
    converged: bool


@final
@dataclass(frozen=True)
class ProbeLadder:
    """A probe for each label and reader, in the order of the arguments.

    left_out: why a label has none, by its name.
    """

    probes: tuple[LabelProbe, ...]
    left_out: dict[str, str]

    def accuracy(self, label: str, reader: str) -> float:
        """Errors: UnknownNameError for a label and reader without a probe."""
        accuracies = {f"{rung.label} from {rung.reader}": rung.accuracy for rung in self.probes}
        if (name := f"{label} from {reader}") not in accuracies:
            raise unknown_name("probe", name, accuracies, self.left_out.get(label, ""))
        return accuracies[name]


def probe_ladder(
    readers: Mapping[str, SparseCode | Float[Tensor, "rows _"]],
    labels: Mapping[str, Sequence[object]],
    lengths: Sequence[int] | Int[np.ndarray, " sequences"],
    seed: int = 0,
    times: Int[np.ndarray, " sequences"] | None = None,
) -> ProbeLadder:
    """Accuracy of a linear probe for every label from every reader.

    accuracy = share of test steps whose label the probe predicts, from 0 to 1.
    readers: by name a code, or activations, of the same steps; `dictionary_readers` gives the
    parts of a dictionary, the raw activations and a random dictionary. labels: by name one for
    every step, None where a step has none; from fast to slow. times: a
    number for every sequence; equal ones are of the same time, of which the same blocks train
    (None: no two are).

    Probes and their split by alternating blocks of time are those of `probe_metrics.slow_probe`;
    activations are centred on their training steps. Linear probes: Alain and Bengio 2016,
    "Understanding intermediate layers using linear classifier probes"; labels by timescale: Bhalla
    et al. 2025, "Temporal sparse autoencoders". A label needs two classes that occur on both sides;
    a label without two is left out, with its reason. Probes are blind to what a non-linear reader
    finds.

    Errors: MismatchError where readers, labels (by name) or lengths are not of the same steps, or
    times not of as many sequences; DataError where there are no readers.
    """
    if not readers:
        raise DataError("got no readers, expected at least one; name a code to probe")
    steps = int(np.sum(lengths))
    for name, reader in readers.items():
        if (rows := _rows(reader)) != steps:
            raise MismatchError(f"{name!r} has {rows:,} steps and the lengths add up to {steps:,}")
    for name, values in labels.items():
        check_labels(name, values, steps)
    if times is not None and len(times) != len(lengths):
        raise MismatchError(f"times are of {len(times)} sequences, and lengths of {len(lengths)}")
    probes: list[LabelProbe] = []
    left_out: dict[str, str] = {}
    matrices = {
        name: sparse_matrix(reader)
        for name, reader in readers.items()
        if isinstance(reader, SparseCode)
    }
    for label, values in labels.items():
        split = probe_split(as_strings(values), [int(length) for length in lengths], seed, times)
        if split is None:
            left_out[label] = (
                f"the label {label!r} has no two classes that occur both in training and in test "
                f"blocks"
            )
            continue
        by_reader = {
            name: probe_matrix(
                matrices[name] if name in matrices else centred(_dense(reader), split), split, seed
            )
            for name, reader in readers.items()
        }
        null = by_reader[RANDOM].accuracy if RANDOM in by_reader else None
        probes.extend(
            LabelProbe(
                label,
                name,
                result.accuracy,
                result.interval,
                result.baseline,
                null,
                result.classes,
                result.test_steps,
                result.converged,
            )
            for name, result in by_reader.items()
        )
    return ProbeLadder(tuple(probes), left_out)


def dictionary_probe_ladder(
    sae: Dictionary,
    store: Store,
    labels: Sequence[str],
    seed: int = 0,
    progress: bool = True,
) -> ProbeLadder:
    """`probe_ladder` for a dictionary on a store, up the step columns and sequence labels named.

    Readers: "code", its parts by their names where it has nested groups, the raw "activations", and
    a "random dictionary" of equal width and as many active atoms a step (`nulls.random_code`). The
    label "document" is the sequence itself. Activations are held in memory.

    Errors: UnknownNameError for a label that the store does not have; those of
    `features.encoding.check_compatible`.
    """
    codes, activations, lengths = [], [], []
    columns: dict[str, list[object]] = {name: [] for name in labels}
    for sequence in encode_store(sae, store, progress):
        rows = sequence.code.rows
        stored = sequence.stored
        for name, column in columns.items():
            values = labels_of_steps(stored, name)
            if values is None:
                names = [*stored.steps.column_names, "document", *stored.labels]
                raise unknown_name("label", name, names)
            column.extend(values)
        codes.append(sequence.code)
        activations.append(sequence.activations)
        lengths.append(rows)
    code, x = concatenate(codes), torch.cat(activations)
    active = max(1, round(len(code.indices) / code.rows))
    readers: dict[str, SparseCode | Tensor] = {
        part.name or "code": part.of(code) for part in latent_groups(sae)
    }
    readers |= {RAW: x, RANDOM: random_code(x, sae.width, active, seed)}
    return probe_ladder(readers, columns, lengths, seed)


def _rows(reader: SparseCode | Tensor) -> int:
    return reader.rows if isinstance(reader, SparseCode) else len(reader)


def _dense(reader: SparseCode | Tensor) -> Float[np.ndarray, "rows d"]:
    assert not isinstance(reader, SparseCode)
    values: Float[np.ndarray, "rows d"] = reader.detach().double().cpu().numpy()
    return values
