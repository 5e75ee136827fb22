"""Prose testbed: a sentence model's activations on English, every token labelled."""

from __future__ import annotations

import hashlib
import platform
from typing import final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.config import Settings
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.prose.corpus import readers
from sparsetime.testbeds.prose.minilm import MODEL, minilm

#: From the fastest label to the slowest; `source` and `name` are of a whole document.
LADDER = ("kind", "section", "name", "source")


@final
class ProseSettings(Settings):
    """Which text and site are captured of all-MiniLM-L6-v2."""

    characters: int = Field(900_000, ge=1, description="documents are added up to this number")
    site: str = Field("encoder.layer.3", description="by default the fourth of six layers")
    window: int = Field(128, ge=8, description="tokens that the model sees at once")
    overlap: int = Field(32, ge=0, description="tokens that a window repeats as context")


def content_version(_: ProseSettings) -> str:
    """The versions that the bytes depend on beside the settings: of Python and the model."""
    return f"python {platform.python_version()}, {MODEL}"


def build(folder: str, settings: ProseSettings, show: bool) -> Testbed:
    """Capture whole documents, or open a finished build.

    Errors: StoreError where the folder holds the finished build of other weights.
    """
    model = minilm()
    store = finished_build(folder, model)
    if store is None:
        store = capture(
            model,
            documents(settings.characters),
            settings.site,
            folder,
            window=settings.window,
            overlap=settings.overlap,
            dtype="float16",
            progress=show,
        )
    return Testbed("prose", store, LADDER, model=model)


def documents(characters: int) -> list[Document]:
    """Documents in a fixed random order, until there are enough characters."""
    chosen: list[Document] = []
    length = 0
    by_id = readers()
    for name in sorted(by_id, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if length >= characters:
            break
        document = by_id[name]()
        if document is None:
            continue
        chosen.append(document)
        length += len(document.text or "")
    return chosen
