"""Objectives: a sum of named, weighted terms, each a small file's idea."""

from sparsetime.dictionaries.objectives.aux_k import AuxK
from sparsetime.dictionaries.objectives.contrastive import TemporalContrastive
from sparsetime.dictionaries.objectives.reconstruction import MSE, NestedMSE
from sparsetime.dictionaries.objectives.sparsity import L0, L1
from sparsetime.dictionaries.objectives.term import Objective, Term

__all__ = ["L0", "L1", "MSE", "AuxK", "NestedMSE", "Objective", "TemporalContrastive", "Term"]
