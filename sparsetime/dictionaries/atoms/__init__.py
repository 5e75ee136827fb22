"""Atoms: the directions that a code sums to give the activation back. A file here is a part."""

from sparsetime.dictionaries.atoms.active_subspace import ActiveSubspaceAtoms
from sparsetime.dictionaries.atoms.archetypal import ArchetypalAtoms
from sparsetime.dictionaries.atoms.atoms import Atoms
from sparsetime.dictionaries.atoms.data import DataAtoms
from sparsetime.dictionaries.atoms.free import FreeAtoms
from sparsetime.dictionaries.atoms.groups import checked_groups, prefix_ends
from sparsetime.dictionaries.atoms.unit_norm import UnitNormAtoms

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
