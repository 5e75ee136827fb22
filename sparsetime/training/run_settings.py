"""Settings that identify a dictionary's training run, written to `training.json`."""

from __future__ import annotations

from typing import Any

import torch

from sparsetime.activations.sampling.buffer_bytes import MOST, buffer_bytes
from sparsetime.activations.sources.source import Source
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.legacy_config import current_config
from sparsetime.kernels.precision import selection_dtype
from sparsetime.training.config import TrainConfig, upgrade_saved_config
from sparsetime.training.start_hash import start_hash


def run_settings(
    dictionary: Dictionary,
    source: Source,
    config: TrainConfig,
    path: str,
    dtype: str,
    shuffle_buffer: int,
    resumed: bool = False,
) -> dict[str, Any]:
    """All that decides the outcome of a run into `path`: what it learns from, how, and from where.

    dtype: of the selection. shuffle_buffer: in bytes. resumed: whether the folder holds weights of
    the run, which replace those of the dictionary.
    """
    composition = dictionary.to_config()
    del composition["provenance"]
    composition.pop("is_fitted", None)  # in `start`
    return {
        "config": config.model_dump(mode="json"),
        "selection_dtype": dtype,
        "shuffle_buffer": shuffle_buffer,
        "dictionary": composition,
        "start": start_hash(dictionary, path, resumed, " fitted" if dictionary.is_fitted else ""),
        "source": {
            "d": source.d,
            "model_hash": source.model_hash,
            "site": source.site,
            "fingerprint": source.fingerprint,
        },
    }


def upgrade_run_settings(saved: dict[str, Any]) -> dict[str, Any]:
    """The settings that an earlier version saved, under today's keys."""
    upgraded = {
        "config": upgrade_saved_config(saved["config"]),
        "dictionary": current_config(saved["dictionary"]),
    }
    return {"shuffle_buffer": MOST, **saved, **upgraded}


def selection_dtype_name(
    config: TrainConfig, device: torch.device, width: int, saved: dict[str, Any] | None
) -> str:
    """The name of the selection dtype: that of `config`, of the saved run, or the fastest here.

    A resumed run keeps the dtype that it started with, also on a machine where another is faster.
    """
    if config.selection_dtype != "auto":
        return config.selection_dtype
    if saved is not None and "selection_dtype" in saved:
        return str(saved["selection_dtype"])
    return str(selection_dtype(device, width)).removeprefix("torch.")


def shuffle_buffer_size(config: TrainConfig, saved: dict[str, Any] | None) -> int:
    """Bytes of the shuffle buffer: of `config`, of the saved run, or as the memory left allows.

    A resumed run keeps the size that it started with, on which the order of its batches depends.
    """
    if config.shuffle_buffer is None and saved is not None:
        return int(saved["shuffle_buffer"])
    return buffer_bytes(config.shuffle_buffer)
