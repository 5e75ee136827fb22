"""Series testbed: a patch transformer's activations on seven years of pedestrian counts."""

from __future__ import annotations

import hashlib
from typing import final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.store.store import Store
from sparsetime.config import Settings
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.series.auckland import counts, counts_file
from sparsetime.testbeds.series.labels import LADDER, district, step_labels
from sparsetime.testbeds.series.model import SITE
from sparsetime.testbeds.series.pretrained import STATE, WEIGHTS, record, series_model
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.windows import SeriesWindow, windows


@final
class SeriesSettings(Settings):
    """Which windows and site are captured of the patch transformer."""

    steps: int = Field(400_000, ge=1, description="windows are added up to this number")
    site: str = Field(SITE, description="by default the stream after two of three layers")


def content_version(_: SeriesSettings) -> str:
    """The content that the bytes depend on beside the settings: the counts and the weights."""
    hashes = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (counts_file(), WEIGHTS / STATE)]
    return f"counts {hashes[0]}, weights {hashes[1]}"


def build(folder: str, settings: SeriesSettings, show: bool) -> Testbed:
    """Label and capture whole windows, or open a finished build.

    Errors: StoreError where the folder holds the finished build of other weights.
    """
    model = series_model()
    store = _store(folder, model, settings, show)
    return Testbed("series", store, LADDER, model=model, by_time="held_out")


def documents(steps: int) -> list[Document]:
    """Windows of all sensors in a fixed random order, until there are enough steps.

    Each has the labels `sensor`, `district`, `year` (of its first step) and `held_out` (whether
    its time is held out from training), and those of `step_labels`. Its times count hours from six
    in the morning of the first of January 2019.
    """
    data = counts()
    shape = PatchTransformerTraining.model_validate(record()["settings"]).model
    shuffled = sorted(windows(data, shape), key=_random_key)
    needed = -(-steps // shape.patches)
    return [_document(window, shape.patch) for window in shuffled[:needed]]


def _store(folder: str, model: LoadedModel, settings: SeriesSettings, show: bool) -> Store:
    store = finished_build(folder, model)
    if store is not None:
        return store
    windows_to_capture = documents(settings.steps)
    return capture(model, windows_to_capture, settings.site, folder, dtype="float16", progress=show)


def _name(window: SeriesWindow) -> str:
    return f"{window.sensor}, {window.times[0]}"


def _random_key(window: SeriesWindow) -> bytes:
    return hashlib.sha256(_name(window).encode()).digest()


def _document(window: SeriesWindow, patch: int) -> Document:
    labels = {
        "sensor": window.sensor,
        "district": district(window.sensor),
        "year": int(str(window.times[0])[:4]),
        "held_out": window.held_out,
    }
    return Document(
        _name(window),
        values=window.values,
        labels=labels,
        step_labels=step_labels(window.times),
        start=float(window.start),
        step=float(patch),
        unit="hour",
        source="streets",
    )
