"""BasicMotions: 80 recordings of a smart watch during four activities."""

from __future__ import annotations

import numpy as np

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import DataError
from sparsetime.testbeds.wheels.fetch import open_wheel

#: Steps a second.
RATE = 10.0
CHANNELS = (
    *("acceleration x", "acceleration y", "acceleration z"),
    *("rotation x", "rotation y", "rotation z"),
)


def basic_motions() -> list[Document]:
    """The recordings as data of a capture: ten seconds of six channels each, 10 steps a second.

    Labels: `activity` ("Badminton", "Running", "Standing", "Walking"), and `part`, "train" or
    "test" of the data set, 40 recordings each. Who of the four students recorded is not known, so
    both parts hold recordings of each.

    Source: BasicMotions of the UEA archive (Bagnall et al. 2018), in the wheel of aeon.
    Errors: those of `open_wheel` where it was not fetched.
    """
    archive = open_wheel("aeon")
    folder = "aeon/datasets/data/BasicMotions/BasicMotions"
    return [
        document
        for part in ("train", "test")
        for document in motions_of(archive.text(f"{folder}_{part.upper()}.ts"), part)
    ]


def motions_of(text: str, part: str) -> list[Document]:
    """The recordings of a file in the archive's format: a line each, channels and label by colons.

    Errors: DataError for a line with another number of channels.
    """
    lines = text.partition("@data")[2].split()
    documents = []
    for number, line in enumerate(lines):
        *channels, activity = line.split(":")
        if len(channels) != len(CHANNELS):
            raise DataError(
                f"got {len(channels)} channels in recording {number} of the {part} part, expected "
                f"{len(CHANNELS)}; fetch aeon again"
            )
        values = np.array([one.split(",") for one in channels], dtype=np.float32).T
        documents.append(
            Document(
                f"{part} {number:02d}",
                values=values,
                labels={"activity": activity, "part": part},
                recording=Recording(rate=RATE, channels=CHANNELS),
                source="BasicMotions",
            )
        )
    return documents
