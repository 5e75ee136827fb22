"""Labelled series of the UCR and UEA archives that are in the wheel of aeon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError, unknown_name
from sparsetime.testbeds.wheels.fetch import open_wheel

_FILES = {
    "ACSF1": "ACSF1",
    "ArrowHead": "ArrowHead",
    "BasicMotions": "BasicMotions",
    "GunPoint": "GunPoint",
    "ItalyPowerDemand": "ItalyPowerDemand",
    "JapaneseVowels": "JapaneseVowels_eq",
    "OSULeaf": "OSULeaf",
    "PickupGestureWiimoteZ": "PickupGestureWiimoteZ_eq",
}
#: Every set of the wheel with class labels and equal lengths.
ARCHIVE_SETS = tuple(_FILES)

Part = tuple[Float[Tensor, "series time channels"], Int[Tensor, " series"]]


@final
@dataclass(frozen=True, eq=False)
class ArchiveSet:
    """Series [series, time, channels] with classes, in the archive's own split.

    Channels are standardised by mean and deviation of the training part. classes: their number.
    """

    name: str
    train: Float[Tensor, "train time channels"]
    train_labels: Int[Tensor, " train"]
    test: Float[Tensor, "test time channels"]
    test_labels: Int[Tensor, " test"]
    classes: int


def archive_set(name: str) -> ArchiveSet:
    """One of `ARCHIVE_SETS`.

    Source: Dau et al. 2019, the UCR archive; Bagnall et al. 2018, the UEA archive.
    Errors: UnknownNameError for another name; those of `open_wheel` where it was not fetched.
    """
    if name not in _FILES:
        raise unknown_name("series of the archives", name, _FILES)
    archive = open_wheel("aeon")
    folder = f"aeon/datasets/data/{name}/{_FILES[name]}"
    parts = [read_series(archive.text(f"{folder}_{part}.ts")) for part in ("TRAIN", "TEST")]
    classes = sorted({label for _, labels in parts for label in labels})
    mean, spread = parts[0][0].mean((0, 1)), parts[0][0].std((0, 1))
    (train, train_labels), (test, test_labels) = (
        ((x - mean) / spread, torch.tensor([classes.index(label) for label in labels]))
        for x, labels in parts
    )
    return ArchiveSet(name, train, train_labels, test, test_labels, len(classes))


def read_series(text: str) -> tuple[Float[Tensor, "series time channels"], list[str]]:
    """Series and labels of a file of the archives: a line each, channels and label by colons.

    Errors: DataError for lines of different lengths or numbers of channels.
    """
    series, labels = [], []
    for line in text.partition("@data")[2].split():
        *channels, label = line.split(":")
        series.append([[float(number) for number in one.split(",")] for one in channels])
        labels.append(label)
    sizes = {(len(one), *{len(channel) for channel in one}) for one in series}
    if len(sizes) != 1 or len(next(iter(sizes))) != 2:
        raise DataError(
            f"got series of {len(sizes)} sizes (channels, steps), expected one; fetch aeon again"
        )
    return torch.tensor(series).transpose(1, 2), labels
