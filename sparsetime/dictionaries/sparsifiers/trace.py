"""Base class of sparsifiers whose codes in inference are traces of an inner sparsifier's codes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode, offsets_of
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.dictionaries.state.traces import Trace
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


class TraceSparsifier(SparsifierWrapper):
    """Traces of the codes of an inner sparsifier, from the start of the sequence.

    A code has more than k active latents. Training is the inner sparsifier's. A step costs one
    pass over [sequences, width].

    decay: what is left of a value after a step. floor: the least magnitude of an entry, in units of
    the normalised activation.

    Errors: ConfigError for a decay outside of [0, 1), or a negative floor.
    """

    def __init__(
        self, width: int, inner: dict[str, Any], decay: float = 0.95, floor: float = 1e-3
    ) -> None:
        if not 0 <= decay < 1 or floor < 0:
            raise ConfigError(
                f"got decay={decay} and floor={floor}, expected a decay of at least 0 and below 1, "
                "and a floor of at least 0"
            )
        super().__init__(width, inner, decay=decay, floor=floor)
        self.decay, self.floor = decay, floor

    @abstractmethod
    def start(self, streams: int, like: Tensor) -> Trace:
        """The trace of streams that have no past."""

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        segments = inputs.in_time
        fresh = self.inner.code(pre, support, inputs)
        trace: Trace = inputs.state.get(self) or self.start(segments.count, inputs.x)
        rows, latents, values = [], [], []
        for step in range(int(segments.lengths.max()) if segments.count else 0):
            has_step = step < segments.lengths
            now = (segments.offsets[:-1] + step)[has_step]
            dense = torch.zeros_like(trace.values)
            dense[has_step] = fresh.take(now).dense()
            trace = trace.after(dense, has_step)
            left = trace.read()[has_step]
            at = (left.abs() > self.floor).nonzero()
            rows.append(now[at[:, 0]])
            latents.append(at[:, 1])
            values.append(left[at[:, 0], at[:, 1]])
        inputs.state.set(self, trace)
        if not rows:
            return fresh
        row = torch.cat(rows)
        order = torch.argsort(row, stable=True)
        return SparseCode(
            offsets_of(row[order], fresh.rows),
            torch.cat(latents)[order],
            torch.cat(values)[order],
            self.width,
            fresh.shape,
        )
