"""Codes of the next steps of several sequences, some steps of which are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.codes import SparseCode, concatenate
from sparsetime.dictionaries.check_input import checked_activations
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
class EncoderStream:
    """Encodes activations [batch, time, d] piece by piece.

    Steps that are left out have no active feature; a stateful dictionary begins again behind them,
    as it did in training. A model in float64 is encoded step by step: products of float32 round
    differently in matrices of other shapes, and the codes of a whole pass and of a stream would
    differ by that.
    """

    def __init__(self, sae: Dictionary) -> None:
        self._sae = sae
        self._state = RecurrentState()
        self._is_stateful = sae.is_stateful

    def feed(
        self, x: Float[Tensor, "batch time d"], kept: Bool[np.ndarray, "batch time"]
    ) -> SparseCode:
        """The code of the next steps, of shape (batch, time).

        Errors: MismatchError for another width than the dictionary's; DataError for NaN or inf.
        """
        batch, time, width = x.shape
        site = self._sae.provenance.get("site")
        rows = checked_activations(x, self._sae.d_in, site).to(self._sae.atoms.device)
        steps = rows.reshape(batch, time, width)
        encode = self._stateful if self._is_stateful else self._stateless
        parts, order = [], []
        for begin, end in self._blocks(kept, x.dtype == torch.float64):
            parts.append(encode(steps[:, begin:end], kept[:, begin]))
            order.append(np.arange(batch * time).reshape(batch, time)[:, begin:end].reshape(-1))
        code = parts[0] if len(parts) == 1 else concatenate(parts)
        if len(parts) > 1:  # from block after block to sequence after sequence
            code = code.take(torch.from_numpy(np.concatenate(order).argsort()))
        mask = torch.from_numpy(kept.reshape(-1)).to(code.indices.device)
        return code.keep(mask[code.row_of_entry]).reshape(batch, time)

    def _blocks(
        self, kept: Bool[np.ndarray, "batch time"], is_exact: bool
    ) -> Iterator[tuple[int, int]]:
        """Begin and end (exclusive) of runs of steps that are encoded together."""
        time = kept.shape[1]
        if is_exact:
            cuts = list(range(1, time))
        elif self._is_stateful:
            cuts = (np.flatnonzero((kept[:, 1:] != kept[:, :-1]).any(0)) + 1).tolist()
        else:
            cuts = []
        return zip([0, *cuts], [*cuts, time], strict=True)

    def _stateless(self, x: Float[Tensor, "batch time d"], kept: np.ndarray) -> SparseCode:
        del kept
        return self._sae.encode(x.reshape(-1, x.shape[2]))

    def _stateful(
        self, x: Float[Tensor, "batch time d"], kept: Bool[np.ndarray, " batch"]
    ) -> SparseCode:
        """The codes of steps of which each sequence keeps all or none."""
        batch, time, _ = x.shape
        device = x.device
        mask = torch.from_numpy(kept).to(device)
        segments = Segments.of_lengths(mask.long() * time, device)
        code = self._sae.encode_with_state(x[mask].reshape(-1, x.shape[2]), segments, self._state)
        if bool(mask.all()):
            return code
        self._state.reset(~mask)
        counts = torch.zeros(batch, time, dtype=torch.int64, device=device)
        counts[mask] = code.counts.reshape(-1, time)
        offsets = torch.cat([counts.new_zeros(1), counts.reshape(-1).cumsum(0)])
        return SparseCode(offsets, code.indices, code.values, code.width, (batch * time,))
