"""The arithmetic of sparse codes: select, gather-dot, decode, with their gradients.

The same functions exist for every kind of machine (`reference` in plain PyTorch, `cpu` in numba,
`gpu` in Triton); `use` chooses, and otherwise the device of the tensors decides.
"""

from sparsetime.kernels.adam import adam, project
from sparsetime.kernels.adam_config import AdamStep
from sparsetime.kernels.autograd import decode, gather_dot, take_rows
from sparsetime.kernels.dispatch import backend_name, use
from sparsetime.kernels.hysteresis_delta import delta_code, hysteresis
from sparsetime.kernels.latent_counts import Statistics, statistics
from sparsetime.kernels.nested import by_group, nested_errors
from sparsetime.kernels.reference import select_dense
from sparsetime.kernels.row_sparse import Rows, row_gradients, rows_of
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
    "Rows",
    "Rule",
    "Statistics",
    "Support",
    "ThresholdRule",
    "TopKPerRowRule",
    "TopKRule",
    "adam",
    "backend_name",
    "by_group",
    "decode",
    "delta_code",
    "exact_pre_activations",
    "gather_dot",
    "hysteresis",
    "mask_of_largest",
    "nested_errors",
    "pre_activations",
    "project",
    "row_gradients",
    "rows_of",
    "rule_of_rows",
    "select",
    "select_dense",
    "select_exactly",
    "statistics",
    "take_rows",
    "use",
]
