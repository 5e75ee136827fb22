"""A dictionary of functions, on another grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.function_spaces.fourier import resampled
from sparsetime.dictionaries.serialise import from_config
from sparsetime.errors import ConfigError

_OF_FUNCTIONS = "fourier"
_SIZES = ("d_in", "d_out")


@torch.no_grad()
def at_resolution(dictionary: Dictionary, points: int) -> Dictionary:
    """The same dictionary for functions that are sampled at `points` regular points.

    The same function on either grid has the same code, as far as both grids tell its modes apart.
    The original stays as it is; trained weights are copied.

    Errors: ConfigError unless encoder and atoms are of kind 'fourier' and one site is read and
    reconstructed, or where the points are too few for their modes.
    """
    parts = {"encoder": dictionary.encoder.kind, "decoder": dictionary.decoder.kind}
    plain = dictionary.out_dims is None and len(dictionary.in_dims) == 1 and dictionary.skip is None
    if set(parts.values()) != {_OF_FUNCTIONS} or not plain:
        raise ConfigError(
            f"got {parts}, expected an encoder and atoms that are functions ('fourier'), of one "
            "site and without a base, which alone can be moved to another grid; train the recipe "
            "'sae_no', or resample the activations"
        )
    moved = from_config(_resized(dictionary.to_config(), points))
    finer = points / dictionary.d_in
    state = dict(dictionary.state_dict())
    # Lengths grow with the root of the points; the offset is in units of that length.
    state["normalisation.scale"] = state["normalisation.scale"] * finer**0.5
    state["decoder.bias"] = resampled(state["decoder.bias"], points) / finer**0.5
    moved.load_state_dict(state)
    return moved


def _resized(config: Any, points: int) -> Any:
    """Every size of the activations, wherever a part has it, replaced."""
    if isinstance(config, Mapping):
        return {k: points if k in _SIZES else _resized(v, points) for k, v in config.items()}
    return [_resized(item, points) for item in config] if isinstance(config, list) else config
