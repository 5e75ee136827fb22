"""Compiled loops for CPUs, one kind a file. Plain arrays in, plain arrays out."""

from sparsetime.kernels.loops.adam import adam, project
from sparsetime.kernels.loops.bits import ascending, quantise, reach
from sparsetime.kernels.loops.entries import (
    largest_of_entries,
    largest_of_entries_per_row,
    value_at_rank,
)
from sparsetime.kernels.loops.hysteresis_delta import delta_code, hysteresis
from sparsetime.kernels.loops.nested import nested_differences, suffix_sums
from sparsetime.kernels.loops.pairs import last_of, pairs_of
from sparsetime.kernels.loops.products import decode, gather_dot, transpose
from sparsetime.kernels.loops.row_selection import (
    above,
    largest_per_row,
    mask_of_largest,
    near_largest_per_row,
)
from sparsetime.kernels.loops.tiles import bits

__all__ = [
    "above",
    "adam",
    "ascending",
    "bits",
    "decode",
    "delta_code",
    "gather_dot",
    "hysteresis",
    "largest_of_entries",
    "largest_of_entries_per_row",
    "largest_per_row",
    "last_of",
    "mask_of_largest",
    "near_largest_per_row",
    "nested_differences",
    "pairs_of",
    "project",
    "quantise",
    "reach",
    "suffix_sums",
    "transpose",
    "value_at_rank",
]
