"""Row tiles of the product that selection reads, and launches of programs on a tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from torch import Tensor

from sparsetime.kernels import gpu_programs as programs

# Elements of one product tile: 64 MB in bfloat16, so that a tile of a very wide dictionary has
# enough rows to occupy the matrix units.
_TILE_ELEMENTS = 1 << 25
_LEAST_ROWS = 16
_COLUMNS = 4096
_WARPS = 8


@final
class Tile:
    """Some rows of the product, with the programs that add the bias and select entries."""

    def __init__(self, product: Tensor, bias: Tensor, magnitude: bool) -> None:
        self.rows, self.width = product.shape
        self._matrices = product, bias
        self._constants = {
            "MAGNITUDE": magnitude,
            "COLUMNS": block_of(self.width, _COLUMNS),
            "num_warps": _WARPS,
        }

    def rank_bounds(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """For every row: bound of the k largest entries, kept entries equal to it, all kept."""
        bounds, tied, counts = (self.zeros_per_row() for _ in range(3))
        self._launch(programs.rank_bounds, k, bounds, tied, counts)
        return bounds, tied, counts

    def count_entries(self, bound: int) -> tuple[Tensor, Tensor]:
        """Numbers of entries of every row above one bound, and equal to it."""
        above, equal = self.zeros_per_row(), self.zeros_per_row()
        self._launch(programs.count_entries, bound, above, equal)
        return above, equal

    def entries(self, bounds: Tensor, tied: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Indices and bits of entries above their row's bound, and the first `tied` equal to it."""
        offsets = offsets_of(counts)
        indices = offsets.new_empty(int(offsets[-1]))
        bits = bounds.new_empty(indices.shape)
        self._launch(programs.write_entries, bounds, tied, offsets, indices, bits)
        return indices, bits

    def zeros_per_row(self) -> Tensor:
        """Zeros [rows], int32."""
        return self._matrices[0].new_zeros(self.rows, dtype=torch.int32)

    def _launch(self, program: Any, *arguments: Tensor | int) -> None:
        launch(program, (self.rows,), *self._matrices, *arguments, self.width, **self._constants)


def tiles_of(
    x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype, magnitude: bool = False
) -> Iterator[Tile]:
    """Row tiles of `x @ weight.T` in one reused buffer."""
    width = weight.shape[0]
    rows_at_once = max(_LEAST_ROWS, min(x.shape[0], _TILE_ELEMENTS // max(width, 1)))
    x, matrix, bias = x.to(dtype), weight.to(dtype).T, bias.float().contiguous()
    buffer = torch.empty(rows_at_once, width, dtype=dtype, device=x.device)
    for start in range(0, x.shape[0], rows_at_once):
        part = x[start : start + rows_at_once]
        product = buffer[: part.shape[0]]
        torch.mm(part, matrix, out=product)
        yield Tile(product, bias, magnitude)


def offsets_of(counts: Tensor) -> Tensor:
    """Row offsets of compressed rows from the counts per row: [rows + 1]."""
    return torch.cat([counts.new_zeros(1, dtype=torch.int64), counts.cumsum(0)])


def block_of(size: int, most: int) -> int:
    """Block size: the least power of two of at least `size`, from 16 to `most`."""
    return max(16, min(most, 1 << (size - 1).bit_length()))


def blocks(size: int, block: int) -> int:
    """Number of blocks that cover `size`."""
    return -(-size // block)


def launch(
    program: Any, grid: tuple[int, ...], *arguments: Tensor | float, **constants: int
) -> None:
    """Launch a program on the GPU of the first argument, which may not be the current one."""
    with torch.cuda.device_of(arguments[0]):
        program[grid](*arguments, **constants)
