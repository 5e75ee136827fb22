"""Codes computed elsewhere, as a code source: one SparseCode per sequence of a store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.code_source import CodeSource, check_not_empty

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence


@final
class ArrayCodes(CodeSource):
    """Codes given as arrays.

    codes: by the number of each sequence in the whole store, a SparseCode of shape (time,) or a
    dense tensor [time, width]; all of one width. latent_names: one per latent. directions:
    float [width, d], optional.

    Errors: ConfigError for no codes at all; MismatchError for codes of several widths, and for
    names or directions that are not one per latent.
    """

    kind = "arrays"

    def __init__(
        self,
        name: str,
        codes: Mapping[int, SparseCode | Float[Tensor, "time width"]],
        latent_names: Sequence[str | None] | None = None,
        directions: Float[Tensor, "width d"] | None = None,
    ) -> None:
        if not codes:
            raise ConfigError(f"the source {name!r} has no codes; give one for each sequence")
        self.name = name
        self._codes = {number: _sparse(code) for number, code in codes.items()}
        widths = sorted({code.width for code in self._codes.values()})
        if len(widths) > 1:
            raise MismatchError(f"got codes of the widths {widths}, expected one width for all")
        self.width = widths[0]
        self.latent_names = latent_names
        self._directions = directions
        for what, rows in (("names", latent_names), ("directions", directions)):
            if rows is not None and len(rows) != self.width:
                raise MismatchError(
                    f"got {len(rows)} {what} for {self.width} latents; give one for each latent"
                )
        self.fingerprint = self._digest()

    def _digest(self) -> str:
        digest = hashlib.sha256(f"{self.width} {self.latent_names}".encode())
        for number, code in sorted(self._codes.items()):
            digest.update(str(number).encode())
            for part in (code.offsets, code.indices, code.values.double()):
                digest.update(np.ascontiguousarray(part.numpy()).tobytes())
        if self._directions is not None:
            digest.update(np.ascontiguousarray(self._directions.double().numpy()).tobytes())
        return digest.hexdigest()

    def check(self, store: Store) -> None:
        """Errors: MismatchError for a sequence without a code, or with one of another length."""
        check_not_empty(store)
        lengths = store.sequences["length"].to_pylist()
        for number, length in zip(store.sequence_indices.tolist(), lengths, strict=True):
            rows = self._codes[number].rows if number in self._codes else None
            if rows != length:
                raise MismatchError(
                    f"sequence {number} has {length} steps; the source {self.name!r} has "
                    f"{'no code' if rows is None else f'a code of {rows} steps'} for it"
                )

    def code(self, sequence: StoredSequence) -> SparseCode:
        return self._codes[sequence.index]

    def directions(self) -> Float[Tensor, "width d"] | None:
        return None if self._directions is None else self._directions.detach().float()


def _sparse(code: SparseCode | Float[Tensor, "time width"]) -> SparseCode:
    if isinstance(code, SparseCode):
        return code.detach().to("cpu")
    return SparseCode.from_dense(torch.as_tensor(code).detach().float().cpu())
