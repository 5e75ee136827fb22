"""Decoders: the directions (atoms) whose weighted sum reconstructs an activation; one file each."""

from sparsetime.dictionaries.decoders.active_subspace import ActiveSubspaceDecoder
from sparsetime.dictionaries.decoders.archetypal import ArchetypalDecoder
from sparsetime.dictionaries.decoders.data_points import DataPointDecoder
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.free_norm import FreeNormDecoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups, prefix_ends
from sparsetime.dictionaries.decoders.unit_norm import UnitNormBase, UnitNormDecoder

__all__ = [
    "ActiveSubspaceDecoder",
    "ArchetypalDecoder",
    "DataPointDecoder",
    "Decoder",
    "FreeNormDecoder",
    "UnitNormBase",
    "UnitNormDecoder",
    "checked_groups",
    "prefix_ends",
]
