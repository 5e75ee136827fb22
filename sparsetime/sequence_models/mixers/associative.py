"""Associative memory: a matrix written along keys, by choice of loss, retention and momentum."""

from __future__ import annotations

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, normalize

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.kernels.associative_memory import Errors, MemoryState, associative_memory
from sparsetime.kernels.memory_coefficients import Rates
from sparsetime.sequence_models.mixers.memory_loss import Loss, slope_of
from sparsetime.sequence_models.mixers.mixer import (
    Mixer,
    MixerState,
    check_divides,
    join_heads,
    split_heads,
)
from sparsetime.sequence_models.sequence_component import Count, Positive

Retention = Literal["all", "fixed", "gate"]
_INITIAL_RETENTION = 4.0  # logit: .98 of the memory is kept at first
_BLOCK = 64  # steps that are computed together where the model does not depend on it


@final
@component("associative", example={"d": 8, "heads": 2, "chunk": 4})
class Associative(Mixer):
    """A memory W of associations of keys with values, updated at every step and read by a query.

        e_t = f(k_t W - v_t)
        S_t = m_t S_{t-1} - r_t k_t e_t^T
        W_t = a_t W_{t-1} + S_t
        y_t = q_t W_t

    q, k, v: linear in x, k and q of unit norm. f: gradient of the loss ("dot": e = -v). a: 1 with
    retention "all"; a fixed value a head, of half-lives from 3 to 700 steps, with "fixed";
    sigmoid of a linear map of x with "gate". m: the same kind of gate, with momentum. r: likewise;
    1 for loss "dot" without momentum.

    chunk: 0 takes the error against W_{t-1} (delta rule, for loss "squared" alone); n takes it
    against the memory at the beginning of every n steps, as Titans does in parallel.

    heads: memories side by side. d_key: dimension of a key, d / heads without it: the state has
    d_key * d numbers. huber: where loss "huber" becomes linear.

    Source: Katharopoulos et al. 2020 (loss "dot"), Schlag et al. 2021 (delta rule), Behrouz et al.
    2024, arXiv:2501.00663 (Titans, eq. 8-14); Behrouz et al. 2025, arXiv:2504.13173 (Miras);
    retention "fixed": Qin et al. 2024, arXiv:2405.17381.
    """

    def __init__(
        self,
        d: Count,
        heads: Count = 4,
        d_key: Count | None = None,
        loss: Loss = "squared",
        retention: Retention = "all",
        momentum: bool = False,
        chunk: int = 0,
        huber: Positive = 0.5,
    ) -> None:
        super().__init__(
            d=d,
            heads=heads,
            d_key=d_key,
            loss=loss,
            retention=retention,
            momentum=momentum,
            chunk=chunk,
            huber=huber,
        )
        check_divides(heads, d)
        if chunk < 0:
            raise ConfigError(f"got chunk={chunk}, expected at least 0; 0 is the delta rule")
        if chunk == 0 and loss in ("huber", "absolute"):
            raise ConfigError(
                f"got chunk=0 with loss={loss!r}, expected 'squared' or 'dot' for exact errors; "
                "give chunk=1 or more, so that errors are against the memory where a chunk begins"
            )
        self.heads, self.d_key = heads, d_key or d // heads
        self.chunk, self.loss, self.retention = chunk, loss, retention
        self.slope = slope_of(loss, huber)
        inner = heads * self.d_key
        self.queries = nn.Linear(d, inner, bias=False)
        self.keys = nn.Linear(d, inner, bias=False)
        self.values = nn.Linear(d, d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.retain = nn.Linear(d, heads) if retention == "gate" else None
        self.carry = nn.Linear(d, heads) if momentum else None
        self.rate = nn.Linear(d, heads) if loss != "dot" or momentum else None
        if self.retain is not None:
            nn.init.constant_(self.retain.bias, _INITIAL_RETENTION)
        # ALiBi's geometric slopes, as lightning attention takes them: half-lives of 3 to 700 steps.
        slopes = 2.0 ** -torch.linspace(2, 10, heads) if retention == "fixed" else torch.zeros(1)
        self.register_buffer("log_fixed", -slopes[None, :, None], persistent=False)
        self.log_fixed: Tensor

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the memory after the last."""
        if past is None or not self._anchored:
            return self._mix(x, past, 0)
        phases = past["phase"]
        kinds = phases.unique().tolist()
        if len(kinds) == 1:
            return self._mix(x, past, int(kinds[0]))
        # Chunks of streams that began at different times have different ends.
        y = torch.empty_like(x)
        after = {name: torch.empty_like(value) for name, value in past.tensors.items()}
        for kind in kinds:
            streams = (phases == kind).nonzero()[:, 0]
            y[streams], state = self._mix(x[streams], past.of_streams(streams), int(kind))
            for name, value in state.tensors.items():
                after[name][streams] = value
        return y, MixerState(after)

    def state_size(self, time: int) -> int:
        """Memory, momentum and the memory where the chunk began, d_key * d each."""
        size = self.d_key * int(self.settings["d"])
        return size * (1 + (self.carry is not None) + self._anchored) + self._anchored

    @property
    def _anchored(self) -> bool:
        return self.chunk > 0 and self.loss != "dot"

    @property
    def _errors(self) -> Errors:
        if self.loss == "dot":
            return "value"
        return "chunk" if self.chunk else "step"

    def _mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None, phase: int
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        q, k = (
            normalize(split_heads(of(x), self.heads), dim=-1) for of in (self.queries, self.keys)
        )
        v = split_heads(self.values(x), self.heads)
        state = None
        if past is not None:
            parts = past.tensors
            state = MemoryState(parts["memory"], parts.get("momentum"), parts.get("anchor"), phase)
        y, after = associative_memory(
            q, k, v, self._rates(x), self._errors, self.slope, self._chunk_length, state
        )
        tensors = {"memory": after.memory, "momentum": after.momentum, "anchor": after.anchor}
        if self._anchored:
            tensors["phase"] = torch.full(
                (x.shape[0],), after.phase, dtype=torch.int64, device=x.device
            )
        kept = {name: value for name, value in tensors.items() if value is not None}
        return self.out(join_heads(y)), MixerState(kept)

    @property
    def _chunk_length(self) -> int:
        if self._anchored:
            return self.chunk
        return _BLOCK // 2 if self._errors == "step" else _BLOCK

    def _rates(self, x: Float[Tensor, "batch time d"]) -> Rates:
        retention = self.log_fixed.to(x.dtype).expand(1, self.heads, 1)
        if self.retain is not None:
            retention = logsigmoid(self.retain(x)).transpose(1, 2)
        one = x.new_ones(1, self.heads, 1)
        rate = one if self.rate is None else torch.sigmoid(self.rate(x)).transpose(1, 2)
        momentum = None if self.carry is None else logsigmoid(self.carry(x)).transpose(1, 2)
        return Rates(retention, rate, momentum)
