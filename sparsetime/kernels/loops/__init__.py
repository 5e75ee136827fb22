"""Compiled loops for CPUs, one kind a file. Plain arrays in, plain arrays out."""

from sparsetime.kernels.loops.adam import adam, project
from sparsetime.kernels.loops.bits import ascending, quantise, rescale
from sparsetime.kernels.loops.entries import (
    keep_largest,
    keep_largest_per_row,
    value_at_rank,
    values_at,
)
from sparsetime.kernels.loops.nested import nested_differences, suffix_sums
from sparsetime.kernels.loops.pairs import last_of, pairs_of
from sparsetime.kernels.loops.products import decode, gather_dot, transpose
from sparsetime.kernels.loops.rows import (
    above,
    above_zero,
    largest_per_row,
    mask_of_largest,
    near_largest_per_row,
)

__all__ = [
    "above",
    "above_zero",
    "adam",
    "ascending",
    "decode",
    "gather_dot",
    "keep_largest",
    "keep_largest_per_row",
    "largest_per_row",
    "last_of",
    "mask_of_largest",
    "near_largest_per_row",
    "nested_differences",
    "pairs_of",
    "project",
    "quantise",
    "rescale",
    "suffix_sums",
    "transpose",
    "value_at_rank",
    "values_at",
]
