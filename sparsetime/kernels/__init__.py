"""Kernels of sparse codes: selection, gather-dot, decoding, Adam, with gradients.

Every function has three implementations (`reference` in plain PyTorch, `cpu` in numba, `gpu` in
Triton). `use` sets one; otherwise the device of the tensors determines it.
"""

from sparsetime.kernels.adam import adam, project
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.associative_memory import (
    MemoryPass,
    MemoryState,
    associative_memory,
)
from sparsetime.kernels.attend import attend
from sparsetime.kernels.attend_merge import merge
from sparsetime.kernels.autograd import (
    at_entries,
    decode,
    gather_dot,
    pre_activations_at,
    take_rows,
)
from sparsetime.kernels.diagonal_scan import diagonal_scan
from sparsetime.kernels.dispatch import backend_name, use
from sparsetime.kernels.hysteresis_delta import delta_code, hysteresis
from sparsetime.kernels.latent_counts import LatentCounts, count_latents
from sparsetime.kernels.memory_coefficients import Rates
from sparsetime.kernels.nested import by_group, squared_error
from sparsetime.kernels.reference import select_dense
from sparsetime.kernels.row_ranks import row_ranks
from sparsetime.kernels.row_sparse import GradientRows, row_gradients, rows_of_gradient
from sparsetime.kernels.selection import (
    exact_pre_activations,
    mask_of_largest,
    pre_activations,
    select,
    select_exactly,
)
from sparsetime.kernels.selection_rules import (
    AbsTopKRule,
    BatchTopKRule,
    Rule,
    ThresholdRule,
    TopKPerRowRule,
    TopKRule,
    rule_of_rows,
)
from sparsetime.support import Support

__all__ = [
    "AbsTopKRule",
    "AdamStep",
    "BatchTopKRule",
    "GradientRows",
    "LatentCounts",
    "MemoryPass",
    "MemoryState",
    "Rates",
    "Rule",
    "Support",
    "ThresholdRule",
    "TopKPerRowRule",
    "TopKRule",
    "adam",
    "associative_memory",
    "at_entries",
    "attend",
    "backend_name",
    "by_group",
    "count_latents",
    "decode",
    "delta_code",
    "diagonal_scan",
    "exact_pre_activations",
    "gather_dot",
    "hysteresis",
    "mask_of_largest",
    "merge",
    "pre_activations",
    "pre_activations_at",
    "project",
    "row_gradients",
    "row_ranks",
    "rows_of_gradient",
    "rule_of_rows",
    "select",
    "select_dense",
    "select_exactly",
    "squared_error",
    "take_rows",
    "use",
]
