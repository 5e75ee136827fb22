"""Row tiles of the product that selection reads, and launches of programs on a tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from torch import Tensor

from sparsetime.kernels import gpu_block_programs as block_programs
from sparsetime.kernels import gpu_row_programs as row_programs

# Bytes of one product tile: enough rows of a very wide dictionary to occupy the matrix units, and
# few enough tiles that launches do not count.
_TILE_BYTES = 1 << 28
_LEAST_ROWS = 16
_COLUMNS = 4096  # of one step of a pass over a row
_WARPS = 8
# Scores that one program holds in registers.
_SCORES = 1 << 14
_SCORES_AT_ONCE = 1 << 10
_LEAST_GROUP, _MOST_GROUP = 8, 256


@final
class Tile:
    """Some rows of the product, with the programs that add the bias and select entries.

    k: of the largest entries of a row, which decides how many columns a block has.
    """

    def __init__(self, product: Tensor, bias: Tensor, k: int, magnitude: bool) -> None:
        self.rows, self.width = product.shape
        self._matrices = product, bias
        self._k = k
        self._group = group_of(self.width, k)
        self._groups = blocks(self.width, self._group)
        self._maxima: Tensor | None = None
        self._row_constants = {
            "MAGNITUDE": magnitude,
            "COLUMNS": block_of(self.width, _COLUMNS),
            "num_warps": _WARPS,
        }
        self._constants = {"MAGNITUDE": magnitude, "GROUP": self._group}

    def largest(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of every row: the number n of its k largest positive entries (at most k), their indices
        [rows, k] of which the first n are set, and a bound which at most k exceed, and k attain.
        """
        k, width = self._k, self.width
        indices = self._matrices[0].new_empty((self.rows, k), dtype=torch.int64)
        most = block_of(k, _SCORES, 1)
        if 2 * most * self._group > min(width, 2 * _SCORES):
            return self._largest_by_passes(indices)
        counts, bounds, block_counts = self._new(3, self.rows)
        held = self._new(self.rows, k)
        self._launch_on_maxima(block_programs.largest_blocks, held, block_counts, k)
        arguments = held, block_counts, indices, counts, bounds, k, width
        constants = {"BLOCKS": most, "num_warps": warps_of(most * self._group)}
        launch(
            block_programs.largest_entries,
            (self.rows,),
            *self._matrices,
            *arguments,
            **self._constants,
            **constants,
        )
        return counts, indices, bounds

    def _largest_by_passes(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bounds, tied, counts = self._new(3, self.rows)
        self._launch_on_rows(row_programs.rank_bounds, self._k, bounds, tied, counts)
        offsets = torch.arange(self.rows, device=indices.device) * self._k
        scores = self._new(*indices.shape)
        self._launch_on_rows(row_programs.write_entries, bounds, tied, offsets, indices, scores)
        return counts, indices, bounds

    def entries_above(self, bounds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of all rows: the number of entries above the row's bound, their indices, their bits."""
        block_counts, counts = self._new(2, self.rows)
        held = self._new(self.rows, self._groups)
        self._launch_on_maxima(block_programs.blocks_above, bounds, held, block_counts)
        constants = {"BLOCKS": max(1, _SCORES_AT_ONCE // self._group), **self._constants}
        arguments = *self._matrices, bounds, held, block_counts
        sizes = self._groups, self.width
        launch(block_programs.count_above, (self.rows,), *arguments, counts, *sizes, **constants)
        offsets = offsets_of(counts)
        indices = offsets.new_empty(int(offsets[-1]))
        bits = bounds.new_empty(indices.shape)
        launch(
            block_programs.write_above,
            (self.rows,),
            *arguments,
            offsets,
            indices,
            bits,
            *sizes,
            **constants,
        )
        return counts, indices, bits

    @property
    def maxima(self) -> Tensor:
        """Maxima of all blocks of columns, as integers in the order of the floats: int32 [blocks].

        They are zero or less where a block has no positive entry.
        """
        return self._block_maxima().reshape(-1)

    def count_entries(self, bound: int) -> tuple[Tensor, Tensor]:
        """Numbers of entries of every row above one bound, and equal to it."""
        above, equal = self._new(2, self.rows)
        self._launch_on_rows(row_programs.count_entries, bound, above, equal)
        return above, equal

    def entries(self, bounds: Tensor, tied: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Indices and bits of entries above their row's bound, and the first `tied` equal to it."""
        offsets = offsets_of(counts)
        indices = offsets.new_empty(int(offsets[-1]))
        bits = bounds.new_empty(indices.shape)
        self._launch_on_rows(row_programs.write_entries, bounds, tied, offsets, indices, bits)
        return indices, bits

    def per_row(self, bound: int) -> Tensor:
        """One bound for all rows: int32 [rows]."""
        return self._matrices[0].new_full((self.rows,), bound, dtype=torch.int32)

    def _new(self, *shape: int) -> Tensor:
        return self._matrices[0].new_empty(shape, dtype=torch.int32)

    def _block_maxima(self) -> Tensor:
        if self._maxima is None:
            self._maxima = self._new(self.rows, self._groups)
            columns = max(self._group, block_of(self.width, 1024))
            launch(
                block_programs.block_maxima,
                (self.rows, blocks(self.width, columns)),
                *self._matrices,
                self._maxima,
                self._groups,
                self.width,
                COLUMNS=columns,
                **self._constants,
            )
        return self._maxima

    def _launch_on_maxima(self, program: Any, *arguments: Tensor | int) -> None:
        columns = block_of(self._groups, _SCORES)
        launch(
            program,
            (self.rows,),
            self._block_maxima(),
            *arguments,
            self._groups,
            COLUMNS=columns,
            num_warps=warps_of(columns),
        )

    def _launch_on_rows(self, program: Any, *arguments: Tensor | int) -> None:
        launch(
            program, (self.rows,), *self._matrices, *arguments, self.width, **self._row_constants
        )


def tiles_of(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    dtype: torch.dtype,
    k: int = 32,
    magnitude: bool = False,
) -> Iterator[Tile]:
    """Row tiles of `x @ weight.T` in one reused buffer."""
    width = weight.shape[0]
    rows_at_once = _TILE_BYTES // (max(width, 1) * dtype.itemsize)
    rows_at_once = max(_LEAST_ROWS, min(x.shape[0], rows_at_once))
    x, matrix, bias = x.to(dtype), weight.to(dtype).T, bias.float().contiguous()
    buffer = torch.empty(rows_at_once, width, dtype=dtype, device=x.device)
    for start in range(0, x.shape[0], rows_at_once):
        part = x[start : start + rows_at_once]
        product = buffer[: part.shape[0]]
        torch.mm(part, matrix, out=product)
        yield Tile(product, bias, k, magnitude)


def group_of(width: int, k: int) -> int:
    """Columns of a block: as many blocks in a row as entries in its k largest blocks, nearly."""
    group = _LEAST_GROUP
    while group * group * k < width and group < _MOST_GROUP:
        group *= 2
    while width > group * _SCORES:
        group *= 2
    return group


def warps_of(scores: int) -> int:
    """Warps of a program that holds a number of scores in registers."""
    return max(1, min(16, scores // 512))


def bits_of(score: Tensor) -> Tensor:
    """Integers in the order of float32 scores, as the programs compare them."""
    bits = score.view(torch.int32)
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def offsets_of(counts: Tensor) -> Tensor:
    """Row offsets of compressed rows from the counts per row: [rows + 1]."""
    return torch.cat([counts.new_zeros(1, dtype=torch.int64), counts.cumsum(0)])


def block_of(size: int, most: int, least: int = 16) -> int:
    """Block size: the least power of two of at least `size`, from `least` to `most`."""
    return max(least, min(most, 1 << (size - 1).bit_length()))


def blocks(size: int, block: int) -> int:
    """Number of blocks that cover `size`."""
    return -(-size // block)


def launch(
    program: Any, grid: tuple[int, ...], *arguments: Tensor | float | None, **constants: int
) -> None:
    """Launch a program on the GPU of the first argument, which may not be the current one."""
    assert isinstance(arguments[0], Tensor)
    device = arguments[0].device
    if device.type != "cuda" or device.index == torch.cuda.current_device():
        program[grid](*arguments, **constants)
        return
    with torch.cuda.device(device):
        program[grid](*arguments, **constants)
