"""Recall testbed: a model with the given mixer is trained, and captured on held-out sequences."""

from __future__ import annotations

from sparsetime import seeds
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.models.load import load_model
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.recall.sequences import ROLES, recall_sequences
from sparsetime.testbeds.recall.settings import RecallSettings
from sparsetime.testbeds.recall.train import train_recall
from sparsetime.torch_settings import with_gradients

_MODEL, _ACTIVATIONS = "model", "activations"


def content_version(_: RecallSettings) -> str:
    """The content that the bytes depend on beside the settings: the random streams."""
    return f"streams {seeds.STREAMS_VERSION}"


def build(folder: str, settings: RecallSettings, show: bool) -> Testbed:
    """Train the model where it is not trained, capture it, or open a finished build.

    The store's labels are the role of a step and the symbol; `lag` is the distance to the pair that
    a query asks for, -1 elsewhere.

    Errors: StoreError where the folder holds the build of other settings.
    """
    with with_gradients():
        model = train_recall(f"{folder}/{_MODEL}", settings, show)
    loaded = load_model(model)
    store = finished_build(f"{folder}/{_ACTIVATIONS}", loaded)
    if store is None:
        site = settings.site or f"blocks.{2 * settings.layers - 1}"
        out = f"{folder}/{_ACTIVATIONS}"
        store = capture(loaded, documents(settings), site, out, progress=show)
    return Testbed("recall", store, ("role", "symbol"), model=loaded)


def documents(settings: RecallSettings) -> list[Document]:
    """Held-out sequences with the labels of their steps."""
    batch = recall_sequences(settings.task, settings.sequences, settings.seed, "held out")
    return [
        Document(
            f"sequence {number}",
            tokens=symbols,
            step_labels={
                "role": [ROLES[one] for one in role.tolist()],
                "symbol": symbols.tolist(),
                "lag": lag.tolist(),
            },
        )
        for number, (symbols, role, lag) in enumerate(
            zip(batch.symbols, batch.role, batch.lag, strict=True)
        )
    ]
