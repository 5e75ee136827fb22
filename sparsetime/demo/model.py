"""The demo's model, for the explorer of a run that the demo made."""

from __future__ import annotations

from importlib.util import find_spec

from sparsetime.files import Folder
from sparsetime.testbeds.prose.minilm import MODEL, MODEL_PACKAGE, model_folder


def live_model(run: str) -> str | None:
    """The folder of the demo's model for a run that the demo made, where its package is installed.

    None otherwise: the name under which such a run was captured is defined by the demo alone.
    """
    manifest = "activations/manifest.json"
    folder = Folder(run)
    if not folder.exists(manifest) or folder.read_json(manifest).get("model_name") != MODEL:
        return None
    return str(model_folder()) if find_spec(MODEL_PACKAGE) else None
