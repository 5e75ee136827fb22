"""Dictionaries on disk: JSON for what it is, safetensors for what it learnt."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.legacy_config import current_config, current_weights
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.torch_settings import with_gradients

SCHEMA_VERSION = 1
JSON_NAME = "dictionary.json"
WEIGHTS_NAME = "dictionary.safetensors"
_KEYS = ("schema_version", "name", "encoder", "sparsifier", "decoder", "objective", "sha256")


def save(dictionary: Dictionary, path: str | os.PathLike[str]) -> None:
    """Write the dictionary into a folder; the JSON comes last and makes it valid."""
    folder = Folder(os.fspath(path))
    weights = save_tensors({n: t.contiguous() for n, t in dictionary.state_dict().items()})
    folder.write_bytes(WEIGHTS_NAME, weights)
    folder.write_json(
        JSON_NAME,
        {
            "schema_version": SCHEMA_VERSION,
            **dictionary.to_config(),
            "sha256": hashlib.sha256(weights).hexdigest(),
        },
    )


def load(path: str | os.PathLike[str]) -> Dictionary:
    """Open a dictionary that `save` or `train` wrote, from a folder or URL.

    Errors: StoreError where there is none or it is from a newer sparsetime; DamagedError where
    the weights are not the bytes that were written.
    """
    folder = Folder(os.fspath(path))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is not a finished dictionary; give the "
            f"folder that `train` wrote to. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    config = folder.read_json(JSON_NAME)
    config = current_config(config) if isinstance(config, dict) else {}
    lacking = [key for key in _KEYS if key not in config]
    if lacking:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} lacks {', '.join(lacking)}, so it was not written by "
            "sparsetime; restore it or train again"
        )
    version = config["schema_version"]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{folder.url}/{JSON_NAME} has schema version {version}; this sparsetime reads "
            f"version {SCHEMA_VERSION}. Update sparsetime to open it."
        )
    with with_gradients():
        dictionary = from_config(config)
        dictionary.load_state_dict(_read_weights(folder, config["sha256"]))
    return dictionary


def from_config(config: dict[str, Any]) -> Dictionary:
    """The dictionary that `Dictionary.to_config` describes, with weights at zero."""
    in_dims, out_dims, skip = (config.get(key) for key in ("in_dims", "out_dims", "skip"))
    dictionary = Dictionary(
        Encoder.from_config(config["encoder"]),
        Sparsifier.from_config(config["sparsifier"]),
        Decoder.from_config(config["decoder"]),
        Objective.from_config(config["objective"]),
        config["name"],
        in_dims=None if in_dims is None else tuple(in_dims),
        out_dims=None if out_dims is None else tuple(out_dims),
        skip=None if skip is None else SkipConnection.from_config(skip),
    )
    dictionary.provenance = dict(config.get("provenance", {}))
    return dictionary


def _read_weights(folder: Folder, sha256: str) -> dict[str, Any]:
    if not folder.exists(WEIGHTS_NAME):
        raise DamagedError(f"{folder.url} lacks {WEIGHTS_NAME}; restore it or train again")
    data = folder.read_bytes(WEIGHTS_NAME)
    try:
        tensors = load_tensors(data)
    except SafetensorError as error:
        raise DamagedError(
            f"{folder.url}/{WEIGHTS_NAME} is not a safetensors file ({error}); "
            "restore it or train again"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedError(
            f"{folder.url}/{WEIGHTS_NAME} is not the file that was saved: its checksum differs; "
            "restore it or train again"
        )
    return current_weights(tensors)
