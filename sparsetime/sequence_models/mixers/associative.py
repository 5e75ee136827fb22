"""Associative memory: a matrix written along keys, by choice of loss, retention and momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, normalize

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.kernels.associative_memory import (
    Errors,
    MemoryPass,
    MemoryState,
    Slope,
    associative_memory,
)
from sparsetime.kernels.memory_coefficients import Rates
from sparsetime.sequence_models.extra_site import ExtraSite
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
_Named: TypeAlias = dict[str, Tensor]
_INITIAL_RETENTION = 4.0  # logit: .98 of the memory is kept at first
_INITIAL_MOMENTUM = -2.0  # logit: .12 of the momentum is kept at first
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

    With a predicting loss it has the extra site "surprise": the norm of e for every head.

    heads: memories side by side. d_key: dimension of a key, d / heads without it: the state has
    d_key * d numbers. knee: where the Huber losses become linear.

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
        knee: Positive = 0.5,
    ) -> None:
        super().__init__(
            d=d,
            heads=heads,
            d_key=d_key,
            loss=loss,
            retention=retention,
            momentum=momentum,
            chunk=chunk,
            knee=knee,
        )
        check_divides(heads, d)
        if chunk < 0:
            raise ConfigError(f"got chunk={chunk}, expected at least 0; 0 is the delta rule")
        if chunk == 0 and loss in ("huber", "pseudo_huber"):
            raise ConfigError(
                f"got chunk=0 with loss={loss!r}, expected 'squared' or 'dot' for exact errors; "
                "give chunk=1 or more, so that errors are against the memory where a chunk begins"
            )
        self.heads, self.d_key = heads, d_key or d // heads
        self.chunk, self.loss, self.retention = chunk, loss, retention
        self.slope = slope_of(loss, knee)
        if loss != "dot":
            self.sites["surprise"] = ExtraSite()
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
        if self.carry is not None:
            nn.init.constant_(self.carry.bias, _INITIAL_MOMENTUM)
        # ALiBi's geometric slopes, as lightning attention takes them: half-lives of 3 to 700 steps.
        slopes = 2.0 ** -torch.linspace(2, 10, heads) if retention == "fixed" else torch.zeros(1)
        self.register_buffer("log_fixed", -slopes[None, :, None], persistent=False)
        self.log_fixed: Tensor

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the memory after the last."""
        after = self._of_equal_phases(x, past, self._mixed)
        return after.pop("y"), MixerState(after)

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

    def _of_equal_phases(
        self, x: Tensor, past: MixerState | None, run: Callable[[Tensor, MixerState | None], _Named]
    ) -> _Named:
        """`run` on the streams of each phase: chunks that began at different times end so too."""
        if past is None or not self._anchored:
            return run(x, past)
        phases = past["phase"].unique(return_inverse=True)[1]
        if not phases.any():
            return run(x, past)
        groups = [(phases == n).nonzero()[:, 0] for n in range(int(phases.max()) + 1)]
        parts = [run(x[streams], past.of_streams(streams)) for streams in groups]
        order = torch.cat(groups).argsort()
        return {name: torch.cat([part[name] for part in parts])[order] for name in parts[0]}

    def _mixed(self, x: Tensor, past: MixerState | None) -> _Named:
        y, after, _ = self._memory_pass(x, past)
        tensors = {"memory": after.memory, "momentum": after.momentum, "anchor": after.anchor}
        if self._anchored:
            tensors["phase"] = x.new_full((x.shape[0],), after.phase, dtype=torch.int64)
        kept = {name: value for name, value in tensors.items() if value is not None}
        return {"y": self.out(join_heads(y)), **kept}

    def _surprise(self, x: Tensor, past: MixerState | None) -> _Named:
        errors = self._memory_pass(x, past).errors
        assert errors is not None  # the site is there where errors are predicted
        return {"surprise": errors.norm(dim=-1).transpose(1, 2)}

    def _memory_pass(self, x: Tensor, past: MixerState | None) -> MemoryPass:
        q, k, v = self._queries_keys_values(x)
        state = None
        if past is not None:
            parts = past.tensors
            phase = int(parts["phase"][0]) if self._anchored else 0
            state = MemoryState(parts["memory"], parts.get("momentum"), parts.get("anchor"), phase)
        return associative_memory(q, k, v, *self._how(x), state)

    def _how(self, x: Tensor) -> tuple[Rates, Errors, Slope | None, int]:
        return self._rates(x), self._errors, self.slope, self._chunk_length

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The weight of every value, of either sign.

        It is what the memory returns where the value of step i is the unit vector i: outputs are
        linear in values. With a clipped error they are linear near the values of x alone, and the
        weight is the mean derivative over the dimensions of a value.
        """
        q, k, v = self._queries_keys_values(x)
        how = self._how(x)
        if self.slope is None:
            unit = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
            values = unit.expand(*k.shape[:2], -1, -1)
            return associative_memory(q, k, values, *how).outputs
        # Dimensions of a value do not mix, so the slope of their sum has the slope of each.
        rows = []
        with torch.enable_grad():
            values = v.detach().requires_grad_()
            total = associative_memory(q.detach(), k.detach(), values, *how).outputs.sum((0, 1, 3))
            for step, output in enumerate(total):
                more = step + 1 < len(total)
                (slope,) = torch.autograd.grad(output, values, retain_graph=more)
                rows.append(slope.mean(-1))
        return torch.stack(rows, 2)

    def surprise_of(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> Float[Tensor, "batch time heads"]:
        """The norm of every head's error before the write, |f(kW - v)|."""
        return self._of_equal_phases(x, past, self._surprise)["surprise"]

    def _queries_keys_values(
        self, x: Float[Tensor, "batch time d"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        q, k = (
            normalize(split_heads(of(x), self.heads), dim=-1) for of in (self.queries, self.keys)
        )
        return q, k, split_heads(self.values(x), self.heads)

    @property
    def _chunk_length(self) -> int:
        if self._anchored:
            return self.chunk
        return _BLOCK // 2 if self._errors == "step" else _BLOCK

    def retention_of(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "some heads some_time"]:
        """Logarithms of what every step keeps of the memory; axes of length 1 are shared."""
        if self.retain is None:
            return self.log_fixed.to(x.dtype).expand(1, self.heads, 1)
        gated: Tensor = logsigmoid(self.retain(x)).transpose(1, 2)
        return gated

    def _rates(self, x: Float[Tensor, "batch time d"]) -> Rates:
        retention = self.retention_of(x)
        one = x.new_ones(1, self.heads, 1)
        rate = one if self.rate is None else torch.sigmoid(self.rate(x)).transpose(1, 2)
        momentum = None if self.carry is None else logsigmoid(self.carry(x)).transpose(1, 2)
        return Rates(retention, rate, momentum)
