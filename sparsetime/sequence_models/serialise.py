"""Sequence models on disk: JSON for what they are, safetensors for their weights."""

from __future__ import annotations

import os

from sparsetime.errors import DamagedError, SparsetimeError, StoreError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.sequence_models.compose_model import model_from_config
from sparsetime.sequence_models.model import SequenceModel

SCHEMA_VERSION = 1
JSON_NAME = "sequence_model.json"
WEIGHTS_NAME = "sequence_model.safetensors"
_AGAIN = "Restore it from a copy, or train again"


def save(model: SequenceModel, path: str | os.PathLike[str]) -> None:
    """Write the model into a folder; the JSON comes last and makes it valid."""
    folder = Folder(folder_url(path, "path"))
    sha256 = folder.write_tensors(WEIGHTS_NAME, model.state_dict())
    folder.write_json(JSON_NAME, {**model.to_config(), "sha256": sha256}, SCHEMA_VERSION)


def is_sequence_model(path: str | os.PathLike[str]) -> bool:
    """Whether the folder holds a sequence model that `save` wrote."""
    return Folder(folder_url(path, "path")).exists(JSON_NAME)


def load(path: str | os.PathLike[str]) -> SequenceModel:
    """Open a model that `save` wrote, from a folder or URL, in evaluation mode.

    Errors: StoreError where there is none or it is from a newer sparsetime; DamagedError where a
    file is not the bytes that were written, or describes no model; ConfigError for a component
    that this sparsetime does not have.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"got {folder.url}, which holds no {JSON_NAME}, expected the folder of a sequence "
            f"model; it holds: {', '.join(folder.names()) or 'nothing'}"
        )
    config = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    try:
        model = model_from_config(config)
        weights = folder.read_tensors(WEIGHTS_NAME, again=_AGAIN, sha256=config["sha256"])
        model.load_state_dict(weights)
    except SparsetimeError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} describes no model that fits its weights "
            f"({type(error).__name__}: {why}). {_AGAIN}"
        ) from error
    return model.eval()
