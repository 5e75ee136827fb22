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


def current_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a dictionary with today's keys, also of a frozen dictionary inside it."""
    renamed = {_KEYS.get(key, key): value for key, value in config.items()}
    skip = renamed.get("skip")
    if skip is not None and "dictionary" in skip:
        renamed["skip"] = {**skip, "dictionary": current_config(skip["dictionary"])}
    return renamed


def current_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, or a checkpoint's tensors, with today's names: `base.weight` is `skip.weight`."""
    return {re.sub(r"(^|\.)base\.", r"\1skip.", name): x for name, x in tensors.items()}
