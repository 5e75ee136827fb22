"""Dictionaries on disk: JSON for what it is, safetensors for what it learnt."""

from __future__ import annotations

import os
from typing import Any

from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.legacy_config import current_config, current_weights
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import DamagedError, SparsetimeError, StoreError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.torch_settings import with_gradients

SCHEMA_VERSION = 1
JSON_NAME = "dictionary.json"
WEIGHTS_NAME = "dictionary.safetensors"
_AGAIN = "Restore it from a copy, or train again"
_KEYS = ("schema_version", "name", "encoder", "sparsifier", "decoder", "objective", "sha256")


def save(dictionary: Dictionary, path: str | os.PathLike[str]) -> None:
    """Write the dictionary into a folder; the JSON comes last and makes it valid."""
    folder = Folder(folder_url(path, "path"))
    sha256 = folder.write_tensors(WEIGHTS_NAME, dictionary.state_dict())
    record = {"schema_version": SCHEMA_VERSION, **dictionary.to_config(), "sha256": sha256}
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def load(path: str | os.PathLike[str]) -> Dictionary:
    """Open a dictionary that `save` or `train` wrote, from a folder or URL.

    Errors: StoreError where there is none or it is from a newer sparsetime; DamagedError where
    a file is not the bytes that were written, or describes no dictionary; ConfigError for a
    component that this sparsetime does not have, or settings that it does not take.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is not a finished dictionary; give the "
            f"folder that `train` wrote to. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    config = folder.read_json(JSON_NAME, again=_AGAIN)
    config = _with_current_keys(config, folder) if isinstance(config, dict) else {}
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
    try:
        with with_gradients():
            dictionary = from_config(config)
            dictionary.load_state_dict(_read_weights(folder, config["sha256"]))
            # Files of 0.1.0 do not say it; a scale of 1 has seen no data.
            dictionary.is_fitted |= bool((dictionary.normalisation.scale != 1).any())
    except SparsetimeError as error:
        if folder.url in str(error):
            raise
        raise type(error)(f"{folder.url}/{JSON_NAME}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        why = " ".join(str(error).split())[:200]
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} describes no dictionary that fits its weights "
            f"({type(error).__name__}: {why}). {_AGAIN}"
        ) from error
    return dictionary


def _with_current_keys(config: dict[str, Any], folder: Folder) -> dict[str, Any]:
    try:
        return current_config(config)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} describes no dictionary ({type(error).__name__}: {error}). "
            f"{_AGAIN}"
        ) from error


def to_config(dictionary: Dictionary) -> dict[str, Any]:
    """The dictionary as JSON, without its weights."""
    roles = ("encoder", "sparsifier", "decoder", "objective")
    config = {role: getattr(dictionary, role).to_config() for role in roles}
    config = {"name": dictionary.name, **config, "provenance": dictionary.provenance}
    in_dims, out_dims, skip = dictionary.in_dims, dictionary.out_dims, dictionary.skip
    optional = {
        "in_dims": list(in_dims) if len(in_dims) > 1 else None,
        "out_dims": None if out_dims is None else list(out_dims),
        "skip": None if skip is None else skip.to_config(),
        "is_fitted": dictionary.is_fitted or None,
    }
    return config | {name: value for name, value in optional.items() if value is not None}


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
    dictionary.is_fitted = bool(config.get("is_fitted", False))
    return dictionary


def _read_weights(folder: Folder, sha256: str) -> dict[str, Any]:
    if not folder.exists(WEIGHTS_NAME):
        raise DamagedError(f"{folder.url} lacks {WEIGHTS_NAME}; restore it or train again")
    return current_weights(folder.read_tensors(WEIGHTS_NAME, again=_AGAIN, sha256=sha256))
