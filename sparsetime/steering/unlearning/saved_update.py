"""A low-rank update on disk: the changed weights as a model's folder, or an adapter of PEFT."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.files.other_files import check_no_other_files

WEIGHTS, ADAPTER, ADAPTER_CONFIG = (
    "model.safetensors",
    "adapter_model.safetensors",
    "adapter_config.json",
)
_PREFIX = "base_model.model."


def save_weights(model: nn.Module, path: str | os.PathLike[str], force: bool = False) -> str:
    """Write config.json and model.safetensors, as transformers loads a model.

    Tensors that the model shares between modules are written once. The tokenizer is that of the
    model that was changed. Returns the folder.

    Errors: ConfigError for a model without a configuration of transformers; StoreError for a folder
    with other files, unless `force` is given.
    """
    config: Any = getattr(model, "config", None)
    if not callable(getattr(config, "to_json_string", None)):
        raise ConfigError(
            f"{type(model).__name__} has no configuration of transformers, so no folder of its "
            "weights could be loaded; save its state_dict()"
        )
    folder = _checked(path, force)
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
    return folder.url


def save_adapter(
    factors: Mapping[str, tuple[Tensor, Tensor]],
    base: str,
    path: str | os.PathLike[str],
    force: bool = False,
) -> str:
    """Write adapter_config.json and adapter_model.safetensors, as PEFT loads a LoRA adapter.

        W' = W + B A

    factors: A [rank, d_in] and B [d_out, rank] by path of the linear map. Its scale,
    lora_alpha / r, is 1. base: name or folder of the model that it changes. Returns the folder.

    Errors: StoreError for a folder with other files, unless `force` is given.
    """
    folder = _checked(path, force)
    rank = len(next(iter(factors.values()))[0])
    config = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": rank,  # so that the product is not scaled
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": list(factors),
    }
    tensors = {
        # A copy, since safetensors holds no tensor that two maps share.
        f"{_PREFIX}{name}.lora_{which}.weight": factor.cpu().clone().contiguous()
        for name, pair in factors.items()
        for which, factor in zip("AB", pair, strict=True)
    }
    folder.write_tensors(ADAPTER, tensors)
    folder.write_bytes(ADAPTER_CONFIG, json.dumps(config, indent=2).encode())
    return folder.url


def _checked(path: str | os.PathLike[str], force: bool) -> Folder:
    folder = Folder(folder_url(path))
    if not force:
        check_no_other_files(folder)
    return folder
