"""Numba loops of the CPU kernels, from plain arrays to plain arrays; one kind a file."""

from sparsetime.kernels.loops.adam import adam, project
from sparsetime.kernels.loops.attend import attend_rows
from sparsetime.kernels.loops.bits import ascending_bits, norms_and_maxima, quantise
from sparsetime.kernels.loops.diagonal_scan import diagonal_scan, diagonal_scan_gradient
from sparsetime.kernels.loops.entries import (
    largest_of_entries,
    largest_of_entries_per_row,
    value_near_rank,
)
from sparsetime.kernels.loops.hysteresis_delta import delta_code, hysteresis
from sparsetime.kernels.loops.integer_tiles import ROWS, has_vnni
from sparsetime.kernels.loops.matrix_tiles import MATRIX_BYTES, MATRIX_ROWS, has_matrices
from sparsetime.kernels.loops.nested import nested_residuals
from sparsetime.kernels.loops.pairs import last_of, pairs_of
from sparsetime.kernels.loops.panels import padded_rows, panels_of_integers, rows_of_integers
from sparsetime.kernels.loops.product_selection import (
    above_in_product,
    largest_in_product,
    near_largest_in_product,
    sampled_latents,
    scores_of_product,
)
from sparsetime.kernels.loops.products import decode, gather_dot, sums_of_runs, transpose
from sparsetime.kernels.loops.row_selection import (
    above,
    joined,
    largest_per_row,
    mask_of_largest,
    near_largest_per_row,
)
from sparsetime.kernels.loops.tiles import bits

__all__ = [
    "MATRIX_BYTES",
    "MATRIX_ROWS",
    "ROWS",
    "above",
    "above_in_product",
    "adam",
    "ascending_bits",
    "attend_rows",
    "bits",
    "decode",
    "delta_code",
    "diagonal_scan",
    "diagonal_scan_gradient",
    "gather_dot",
    "has_matrices",
    "has_vnni",
    "hysteresis",
    "joined",
    "largest_in_product",
    "largest_of_entries",
    "largest_of_entries_per_row",
    "largest_per_row",
    "last_of",
    "mask_of_largest",
    "near_largest_in_product",
    "near_largest_per_row",
    "nested_residuals",
    "norms_and_maxima",
    "padded_rows",
    "pairs_of",
    "panels_of_integers",
    "project",
    "quantise",
    "rows_of_integers",
    "sampled_latents",
    "scores_of_product",
    "sums_of_runs",
    "transpose",
    "value_near_rank",
]
