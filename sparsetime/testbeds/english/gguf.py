"""Reader of GGUF files: metadata, and tensors in F32, Q4_1 and Q8_0 as float32 arrays."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from sparsetime.errors import DamagedError, StoreError, unknown_name

_MAGIC, _VERSIONS = b"GGUF", (2, 3)
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_BLOCK = 32  # values that share a scale
# By the format's number: name, and the bytes and the values of a block.
_TYPES = {0: ("F32", 4, 1), 3: ("Q4_1", 20, _BLOCK), 8: ("Q8_0", 34, _BLOCK)}


@final
@dataclass(frozen=True, eq=False)
class GGUFFile:
    """The content of a GGUF file.

    metadata: values by key. entries: for each tensor its shape (outermost axis first), the number
    of its type and where its bytes begin. data: the whole file.
    """

    metadata: Mapping[str, Any]
    entries: Mapping[str, tuple[tuple[int, ...], int, int]]
    data: memoryview

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor, dequantised to float32.

            F32:   w_i = x_i
            Q4_1:  w_i = d q_i + m,  q_i in 0..15: low halves of 16 bytes, then their high halves
            Q8_0:  w_i = d q_i,      q_i in -128..127

        d and m are float16, one a block of 32 values along the innermost axis.

        Errors: UnknownNameError for a tensor that the file does not hold; StoreError for another
        type; DamagedError where the file ends before the tensor does.
        """
        if name not in self.entries:
            raise unknown_name("tensor of the GGUF file", name, self.entries)
        shape, kind, start = self.entries[name]
        if kind not in _TYPES:
            raise StoreError(
                f"got the tensor {name!r} in GGUF's type {kind}, expected one of "
                f"{', '.join(label for label, *_ in _TYPES.values())}; convert the file to one "
                f"of these"
            )
        label, size, values = _TYPES[kind]
        count = prod(shape)
        stop = start + count // values * size
        if stop > len(self.data):
            raise DamagedError(
                f"the GGUF file ends at byte {len(self.data):,}, expected {stop:,} or more for "
                f"the tensor {name!r}; fetch it again"
            )
        blocks = np.frombuffer(self.data[start:stop], np.uint8).reshape(-1, size)
        return _dequantised(blocks, label).reshape(shape)


def read_gguf(data: bytes) -> GGUFFile:
    """The metadata and the list of tensors of a GGUF file, version 2 or 3, little-endian.

    Source: ggml's description of the format, docs/gguf.md. Tensors are read when asked for.

    Errors: StoreError for another format or version; DamagedError for a file that ends early.
    """
    if data[:4] != _MAGIC:
        raise StoreError(f"got a file that begins with {data[:4]!r}, expected GGUF's {_MAGIC!r}")
    reader = _Reader(memoryview(data), 4)
    try:
        version = reader.scalar("I")
        if version not in _VERSIONS:
            raise StoreError(f"got a GGUF file of version {version}, expected 2 or 3")
        tensors, keys = reader.scalar("Q"), reader.scalar("Q")
        metadata = {reader.string(): reader.value(reader.scalar("I")) for _ in range(keys)}
        entries = [reader.entry() for _ in range(tensors)]
    except struct.error as error:
        raise DamagedError(
            f"the GGUF file ends within its list of tensors ({error}); fetch it again"
        ) from error
    alignment = metadata.get("general.alignment", 32)
    begin = -(-reader.at // alignment) * alignment
    return GGUFFile(
        metadata,
        {name: (shape, kind, begin + offset) for name, shape, kind, offset in entries},
        reader.data,
    )


@dataclass
class _Reader:
    """Position in a file, moved by each read."""

    data: memoryview
    at: int

    def scalar(self, letter: str) -> Any:
        (value,) = struct.unpack_from("<" + letter, self.data, self.at)
        self.at += struct.calcsize("<" + letter)
        return value

    def string(self) -> str:
        length = self.scalar("Q")
        self.at += length
        return bytes(self.data[self.at - length : self.at]).decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            inner, count = self.scalar("I"), self.scalar("Q")
            return [self.value(inner) for _ in range(count)]
        if kind not in _SCALARS:
            raise StoreError(f"got a GGUF value of type {kind}, expected one of 0 to 12")
        return self.scalar(_SCALARS[kind])

    def entry(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self.string(), self.scalar("I")
        shape = tuple(self.scalar("Q") for _ in range(axes))[::-1]  # innermost first in the file
        return name, shape, self.scalar("I"), self.scalar("Q")


def _dequantised(blocks: NDArray[np.uint8], label: str) -> NDArray[np.float32]:
    if label == "F32":
        return blocks.view("<f4").astype(np.float32)
    scale = blocks[:, :2].view("<f2").astype(np.float32)
    if label == "Q8_0":
        return scale * blocks[:, 2:].view(np.int8).astype(np.float32)
    least, halves = blocks[:, 2:4].view("<f2").astype(np.float32), blocks[:, 4:]
    steps = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32)
    return scale * steps + least
