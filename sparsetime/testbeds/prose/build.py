"""The prose testbed: a sentence model's activations of English, every token labelled."""

from __future__ import annotations

import hashlib
import platform
from typing import final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.documents import Document
from sparsetime.activations.store.manifest import MANIFEST
from sparsetime.activations.store.store import open_store
from sparsetime.config import Settings
from sparsetime.files import Folder
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.prose.corpus import corpus
from sparsetime.testbeds.prose.minilm import MODEL, minilm

#: From the fastest label to the slowest; `source` and `name` are of a whole document.
LADDER = ("kind", "section", "name", "source")


@final
class ProseSettings(Settings):
    """What is captured of all-MiniLM-L6-v2."""

    characters: int = Field(
        900_000, ge=1, description="documents are added until there are so many"
    )
    site: str = Field("encoder.layer.3", description="by default the fourth of six layers")
    window: int = Field(128, ge=8, description="tokens that the model sees at once")
    overlap: int = Field(32, ge=0, description="tokens that a window repeats as context")


def content_version(_: ProseSettings) -> str:
    """What decides the bytes besides the settings: the texts of this Python, and the model."""
    return f"python {platform.python_version()}, {MODEL}"


def build(folder: str, settings: ProseSettings, show: bool) -> Testbed:
    """Capture whole documents; a finished build is opened."""
    model = minilm()
    at = Folder(folder)
    if at.exists(MANIFEST) and at.read_json(MANIFEST).get("complete"):
        return Testbed("prose", open_store(folder), LADDER, model=model)
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
    """Documents in an order of chance, always the same one, until there are enough characters."""
    found: list[Document] = []
    length = 0
    for document in sorted(corpus(), key=lambda d: hashlib.sha256(d.id.encode()).digest()):
        if length >= characters:
            break
        found.append(document)
        length += len(document.text or "")
    return found
