"""Dictionary configs and weight names that version 0.1.0 wrote, in today's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

_KEYS = {
    "atoms": "decoder",
    "base": "skip",
    "reads": "in_dims",
    "writes": "out_dims",
    "record": "provenance",
}

# Settings of components, by kind: the key of 0.1.0 and the present one.
_SETTINGS = {
    "adapted_bias": ("memory", "ema_decay"),
    "aux_zipf": ("memory", "ema_decay"),
    "batch_top_k": ("memory", "ema_decay"),
    "feature_choice": ("memory", "threshold_decay"),
    "temporal_mask": ("memory", "ema_decay"),
}


def current_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a dictionary with today's keys, also of a frozen dictionary inside it."""
    renamed = {_KEYS.get(key, key): _with_current_settings(x) for key, x in config.items()}
    skip = renamed.get("skip")
    if skip is not None and "dictionary" in skip:
        renamed["skip"] = {**skip, "dictionary": current_config(skip["dictionary"])}
    return renamed


def _with_current_settings(value: Any) -> Any:
    """A component's config with today's settings; also of a wrapped one and of each term."""
    if isinstance(value, list):
        return [_with_current_settings(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    old, new = _SETTINGS.get(str(value.get("kind")), (None, None))
    return {new if key == old else key: _with_current_settings(x) for key, x in value.items()}


def current_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, or a checkpoint's tensors, with today's names: `base.weight` is `skip.weight`."""
    return {re.sub(r"(^|\.)base\.", r"\1skip.", name): x for name, x in tensors.items()}
