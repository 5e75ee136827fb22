"""The arithmetic of sparse codes: select, gather-dot, decode, with their gradients.

The same functions exist for every kind of machine (`reference` in plain PyTorch, `cpu` in numba,
`gpu` in Triton); `use` chooses, and otherwise the device of the tensors decides.
"""

from sparsetime.kernels.dispatch import backend_name, use
from sparsetime.kernels.operations import decode, gather_dot, select
from sparsetime.kernels.rules import Above, AbsTopK, BatchTopK, Rule, TopK
from sparsetime.kernels.support import Support

__all__ = [
    "Above",
    "AbsTopK",
    "BatchTopK",
    "Rule",
    "Support",
    "TopK",
    "backend_name",
    "decode",
    "gather_dot",
    "select",
    "use",
]
