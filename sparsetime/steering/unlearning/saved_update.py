"""A low-rank update on disk: the changed weights as a model's folder, or an adapter of PEFT."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder

WEIGHTS, ADAPTER, ADAPTER_CONFIG = (
    "model.safetensors",
    "adapter_model.safetensors",
    "adapter_config.json",
)


def save_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write config.json and model.safetensors, as transformers loads a model.

    Tensors that the model shares between modules are written once. The tokenizer is that of the
    model that was changed.

    Errors: ConfigError for a model without a configuration of transformers; StoreError for a folder
    that holds weights.
    """
    config: Any = getattr(model, "config", None)
    if not callable(getattr(config, "to_json_string", None)):
        raise ConfigError(
            f"{type(model).__name__} has no configuration of transformers, so no folder of its "
            "weights could be loaded; save its state_dict()"
        )
    folder = _empty(path, WEIGHTS)
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in model.state_dict().items():
        if value.data_ptr() not in seen:
            seen.add(value.data_ptr())
            tensors[name] = value.detach().cpu().contiguous()
    config.architectures = [type(model).__name__]
    # As transformers reads it, which takes no key of ours.
    folder.write_bytes("config.json", config.to_json_string().encode())
    folder.write_tensors(WEIGHTS, tensors, metadata={"format": "pt"})


def save_adapter(
    factors: Mapping[str, tuple[Tensor, Tensor]],
    rank: int,
    base: str,
    path: str | os.PathLike[str],
) -> None:
    """Write adapter_config.json and adapter_model.safetensors, as PEFT loads a LoRA adapter.

    Its scale, lora_alpha / r, is 1. base: name or folder of the model that it changes.

    Errors: StoreError for a folder that holds an adapter.
    """
    folder = _empty(path, ADAPTER)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": list(factors),
    }
    tensors = {
        f"base_model.model.{name}.lora_{which}.weight": factor.cpu().contiguous()
        for name, pair in factors.items()
        for which, factor in zip("AB", pair, strict=True)
    }
    folder.write_bytes(ADAPTER_CONFIG, json.dumps(config, indent=2).encode())
    folder.write_tensors(ADAPTER, tensors, metadata={"format": "pt"})


def _empty(path: str | os.PathLike[str], name: str) -> Folder:
    folder = Folder(str(path))
    if folder.exists(name):
        raise StoreError(f"{folder.path(name)} exists already; choose another folder")
    folder.make()
    return folder
