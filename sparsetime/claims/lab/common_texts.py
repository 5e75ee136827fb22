"""Activations of several language models on the same texts, captured once."""

from __future__ import annotations

import tempfile
from functools import cache

import numpy as np

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.store.store import Store
from sparsetime.models.load import LoadedModel
from sparsetime.models.untrained import untrained_copy
from sparsetime.testbeds.prose.build import documents
from sparsetime.testbeds.prose.minilm import minilm
from sparsetime.testbeds.python_code.pretrained import code_model
from sparsetime.testbeds.testbed import testbed

_CHARACTERS = 400_000  # of the English testbed, whose documents come in the same order
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


@cache
def common_store(encoder: str, characters: int) -> Store:
    """Activations of an encoder on documents of the English testbed.

    encoder: "english" for SmolLM2, layer 10, "python" for the Python-source model, layer 1, "prose"
    for MiniLM, layer 3; "untrained python" and "untrained prose" for copies with initial weights.
    characters: documents are added up to this number. `st.match` aligns the stores by their texts.
    """
    texts = documents(min(characters, _CHARACTERS))
    if encoder == "english":
        whole = testbed("english", progress=False).store
        names = {one.id for one in texts}
        listed = whole.sequences["id"].to_pylist()
        return whole.of_sequences(np.array([n for n, name in enumerate(listed) if name in names]))
    name = encoder.removeprefix("untrained ")
    model = code_model() if name == "python" else minilm()
    site, window = ("model.layers.1", 256) if name == "python" else ("encoder.layer.3", 128)
    return _captured(model if name == encoder else untrained_copy(model), texts, site, window)


def _captured(model: LoadedModel, texts: list[Document], site: str, window: int) -> Store:
    folder = tempfile.TemporaryDirectory(prefix="sparsetime-claim-")
    _FOLDERS.append(folder)
    return capture(
        model, texts, site, f"{folder.name}/store", window=window, overlap=32, progress=False
    )
