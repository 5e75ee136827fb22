"""Python-source testbed: a small language model's activations on Python, every token labelled."""

from __future__ import annotations

import hashlib
import platform
import tokenize
from pathlib import Path
from typing import Any, final

from pydantic import Field

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.store.store import Store
from sparsetime.config import Settings
from sparsetime.errors import DataError
from sparsetime.progress import progress
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.python_code.labels import LADDER, label_spans
from sparsetime.testbeds.python_code.pretrained import WEIGHTS, code_model, weight_file
from sparsetime.testbeds.python_code.stdlib_source import Module, modules


@final
class PythonCodeSettings(Settings):
    """Which text and site are captured of the code model."""

    tokens: int = Field(200_000, ge=1, description="modules are added up to this number")
    site: str = Field("model.layers.1", description="by default the middle of four layers")
    longest: int = Field(40_000, ge=1, description="characters; longer modules are left out")
    overlap: int = Field(128, ge=0, description="tokens that a window repeats as context")
    step: int | None = Field(None, description="of the model's training; None for its end")


def content_version(settings: PythonCodeSettings) -> str:
    """The versions that the bytes depend on beside the settings: of the library and the weights.

    Errors: ConfigError for a step of which no weights were kept.
    """
    weights = hashlib.sha256((WEIGHTS / weight_file(step=settings.step)).read_bytes()).hexdigest()
    return f"python {platform.python_version()}, weights {weights}"


def build(folder: str, settings: PythonCodeSettings, show: bool) -> Testbed:
    """Label and capture whole modules, or open a finished build.

    Errors: StoreError where the folder holds the finished build of other weights.
    """
    model = code_model(step=settings.step)
    return Testbed("python", _store(folder, model, settings, show), LADDER, model=model)


def documents(
    tokenizer: Any, settings: PythonCodeSettings, show: bool = False, library: Path | None = None
) -> list[Document]:
    """Whole modules in a fixed random order, until there are enough tokens.

    Each has the labels `module`, `package` and `held_out` (whether the model never saw it), and
    the spans of `label_spans`. Modules that this Python cannot parse are left out.

    Errors: DataError where no module is short enough.
    """
    shuffled = sorted(modules(library), key=lambda m: hashlib.sha256(m.name.encode()).digest())
    labelled: list[Document] = []
    with progress("label Python source", settings.tokens, "tokens", show) as bar:
        for module in shuffled:
            if bar.done >= settings.tokens:
                break
            if len(module.text) <= settings.longest and (document := _document(module)):
                labelled.append(document)
                bar.advance(len(tokenizer(module.text, verbose=False)["input_ids"]))
    if not labelled:
        raise DataError(
            f"none of the {len(shuffled)} modules has at most {settings.longest} characters; raise "
            f"`longest`"
        )
    return labelled


def _store(folder: str, model: Any, settings: PythonCodeSettings, show: bool) -> Store:
    store = finished_build(folder, model)
    if store is not None:
        return store
    texts = documents(model.tokenizer, settings, show)
    return capture(
        model,
        texts,
        settings.site,
        folder,
        window=model.model.config.max_position_embeddings,
        overlap=settings.overlap,
        dtype="float16",
        progress=show,
    )


def _document(module: Module) -> Document | None:
    try:
        spans = label_spans(module.text)
    except (SyntaxError, tokenize.TokenError):
        return None
    labels = {"module": module.name, "package": module.package, "held_out": module.held_out}
    return Document(module.name, text=module.text, labels=labels, spans=spans, source="library")
