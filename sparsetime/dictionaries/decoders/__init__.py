"""Atoms: the directions that a code sums to give the activation back. A file here is a part."""

from sparsetime.dictionaries.decoders.active_subspace import ActiveSubspaceAtoms
from sparsetime.dictionaries.decoders.archetypal import ArchetypalAtoms
from sparsetime.dictionaries.decoders.data_points import DataAtoms
from sparsetime.dictionaries.decoders.decoder import Atoms
from sparsetime.dictionaries.decoders.free import FreeAtoms
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups, prefix_ends
from sparsetime.dictionaries.decoders.unit_norm import UnitNormAtoms

__all__ = [
    "ActiveSubspaceAtoms",
    "ArchetypalAtoms",
    "Atoms",
    "DataAtoms",
    "FreeAtoms",
    "UnitNormAtoms",
    "checked_groups",
    "prefix_ends",
]
