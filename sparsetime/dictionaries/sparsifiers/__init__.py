"""Sparsifiers: which latents stay on, and how strong. A file here is a part."""

from sparsetime.dictionaries.sparsifiers.abs_top_k import AbsTopK
from sparsetime.dictionaries.sparsifiers.batch_top_k import BatchTopK
from sparsetime.dictionaries.sparsifiers.delta_coding import DeltaCoding
from sparsetime.dictionaries.sparsifiers.falling_k import FallingK
from sparsetime.dictionaries.sparsifiers.free_threshold import FreeThreshold
from sparsetime.dictionaries.sparsifiers.gated import Gated
from sparsetime.dictionaries.sparsifiers.gated_magnitude import GatedMagnitude
from sparsetime.dictionaries.sparsifiers.hysteresis import Hysteresis
from sparsetime.dictionaries.sparsifiers.jumprelu import JumpReLU
from sparsetime.dictionaries.sparsifiers.relu import ReLU
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.dictionaries.sparsifiers.top_k import TopK
from sparsetime.dictionaries.sparsifiers.value_threshold import ValueThreshold

__all__ = [
    "AbsTopK",
    "BatchTopK",
    "DeltaCoding",
    "FallingK",
    "FreeThreshold",
    "Gated",
    "GatedMagnitude",
    "Hysteresis",
    "JumpReLU",
    "ReLU",
    "Sparsifier",
    "TopK",
    "ValueThreshold",
    "checked_k",
]
