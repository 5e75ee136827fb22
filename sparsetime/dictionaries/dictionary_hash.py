"""Identity of a dictionary: a hash of its weights, and one of its settings."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from torch import nn

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.objectives.objective import Objective
from sparsetime.models.model_hash import SETTINGS_MARK, same_model
from sparsetime.models.weight_hash import weight_hash
from sparsetime.models.wrappers import plain_paths, submodule

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_LENGTH = 16  # digits of the hash of the settings


def dictionary_hash(dictionary: Dictionary) -> str:
    """SHA-256 of the weights, and 16 digits of that of the settings behind a plus sign.

    Two dictionaries of equal hash give equal codes and reconstructions of equal activations.
    Settings are those of encoder, sparsifier, decoder and skip connection, with those of components
    within them, and the dimensions of the sites. Name, provenance and objective are no part of it.

    Errors: ConfigError where the weights are on the meta device.
    """
    text = json.dumps(_settings(dictionary), sort_keys=True)
    settings = hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
    return f"{weight_hash(dictionary)}{SETTINGS_MARK}{settings}"


def has_settings(identity: str) -> bool:
    """Whether a hash covers the settings, which those of 0.1.0 do not."""
    return SETTINGS_MARK in identity


def same_dictionary(one: str | None, other: str | None) -> bool:
    """Whether two hashes are of one dictionary.

    Files of 0.1.0 hold the hash of the weights alone, by which they are compared then.
    """
    return same_model(one, other)


def _settings(dictionary: nn.Module) -> dict[str, Any]:
    """Settings by the path of their component."""
    settings: dict[str, Any] = {}
    objectives: list[str] = []
    for path, plain in plain_paths(dictionary).items():
        child = submodule(dictionary, path)
        if isinstance(child, Objective):
            objectives.append(f"{plain}.")
        elif isinstance(child, Component) and not plain.startswith(tuple(objectives)):
            # Those of a component within this one stand at its own path.
            own = child.current_settings().items()
            outer = {name: value for name, value in own if name not in child._modules}
            settings[plain] = {"kind": child.kind, **outer}
        elif hasattr(child, "in_dims"):  # a dictionary, also one within a skip connection
            within: Any = child
            settings[plain] = [list(within.in_dims), list(within.out_dims or ())]
    return settings
