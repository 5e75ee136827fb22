"""The product that selection reads, tile by tile, and the programs that find places in a tile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from torch import Tensor

from sparsetime.kernels import gpu_programs as programs

# Elements of one product tile: 64 MB in bfloat16, so that a tile has enough rows to keep the
# multiplying units busy where the dictionary is very wide.
_TILE_ELEMENTS = 1 << 25
_LEAST_ROWS = 16
_COLUMNS = 4096
_WARPS = 8


@final
class Tile:
    """Some rows of the product, read by programs that add the bias; with what they find there."""

    def __init__(self, product: Tensor, bias: Tensor, magnitude: bool) -> None:
        self.rows, self.width = product.shape
        self._matrices = product, bias
        self._constants = {
            "MAGNITUDE": magnitude,
            "COLUMNS": block_of(self.width, _COLUMNS),
            "num_warps": _WARPS,
        }

    def rank_bounds(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """The bound of every row's k largest entries, how many on it stay, how many in all."""
        bounds, tied, counts = (self.of_rows() for _ in range(3))
        self._launch(programs.rank_bounds, k, bounds, tied, counts)
        return bounds, tied, counts

    def count_places(self, bound: int) -> tuple[Tensor, Tensor]:
        """How many entries of every row are above one bound, and how many on it."""
        above, on = self.of_rows(), self.of_rows()
        self._launch(programs.count_places, bound, above, on)
        return above, on

    def places(self, bounds: Tensor, tied: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Indices and bits of the entries above their row's bound and the first `tied` on it."""
        offsets = offsets_of(counts)
        indices = offsets.new_empty(int(offsets[-1]))
        bits = bounds.new_empty(indices.shape)
        self._launch(programs.write_places, bounds, tied, offsets, indices, bits)
        return indices, bits

    def of_rows(self) -> Tensor:
        """A zero for every row."""
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
    """Where the entries of every row begin, and where the last ones end: [rows + 1]."""
    return torch.cat([counts.new_zeros(1, dtype=torch.int64), counts.cumsum(0)])


def block_of(size: int, most: int) -> int:
    """The least power of two that covers `size`, within what a program can hold."""
    return max(16, min(most, 1 << (size - 1).bit_length()))


def blocks(size: int, block: int) -> int:
    """How many blocks cover `size`."""
    return -(-size // block)


def launch(
    program: Any, grid: tuple[int, ...], *arguments: Tensor | float, **constants: int
) -> None:
    """Launch on the GPU that holds the first argument, which need not be the current one."""
    with torch.cuda.device_of(arguments[0]):
        program[grid](*arguments, **constants)
