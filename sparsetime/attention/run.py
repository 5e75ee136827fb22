"""Run of a model under attention policies: what is called, chosen, computed, and left dense."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.measures import mass_kept, output_error
from sparsetime.attention.policy import AttentionPolicy, Phase
from sparsetime.attention.report import AttentionCall, AttentionReport
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import ConfigError
from sparsetime.key_range import KeyRange


@dataclass(eq=False)
class _Sequence:
    """What is kept of the sequence of one module; policies keep what they need apart."""

    batch: int
    keys: int
    last: Tensor
    step: int = 0
    states: dict[AttentionPolicy, dict[str, Any]] = field(default_factory=dict)

    def state_of(self, policy: AttentionPolicy) -> dict[str, Any]:
        return self.states.setdefault(policy, {"keeps": True})

    def forget_keys(self) -> None:
        """Forget what was computed of keys that have changed; reused patterns stay."""
        for policy, state in self.states.items():
            reused = {name: state[name] for name in ("reused",) if name in state}
            self.states[policy] = {"keeps": True, **reused}


class AttentionRun:
    """Policies attached to the attention of a model; made by `st.attend`.

    calls: every sparse call in order. dense_layers: modules that were left dense, with the reason.
    """

    def __init__(
        self,
        model: nn.Module,
        policies: dict[Phase, AttentionPolicy | None],
        record: bool,
        measure: bool,
        longest: int | None,
    ) -> None:
        self.model, self.policies = model, policies
        self.record, self.measure, self.longest = record, measure, longest
        self.calls: list[AttentionCall] = []
        self.dense_layers: dict[str, str] = {}
        self.observers: list[Callable[[str, AttentionInputs], None]] = []
        self._paths = {module: path for path, module in model.named_modules()}
        self._layers: dict[str, int] = {}
        self._sequences: dict[str, _Sequence] = {}
        self._passes_through = False
        self._detach: list[Callable[[], None]] = []

    def __enter__(self) -> AttentionRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def on_detach(self, undo: Callable[[], None]) -> None:
        """Register what undoes one change to the model."""
        self._detach.append(undo)

    def detach(self) -> None:
        """Restore the model's own attention; a second call does nothing."""
        while self._detach:
            self._detach.pop()()

    def new_sequence(self) -> None:
        """Forget what was kept of the sequence before, such as patterns of earlier steps."""
        self._sequences.clear()

    @property
    def patterns(self) -> list[AttentionPattern]:
        """The patterns of all recorded calls, in order."""
        return [call.pattern for call in self.calls]

    def report(self) -> AttentionReport:
        """Pairs, bytes and seconds of the recorded calls, by module, head and phase."""
        return AttentionReport.of(self.calls, self.dense_layers)

    @property
    def reached(self) -> bool:
        """Whether any attention of the model was called."""
        return bool(self._layers or self.dense_layers)

    @property
    def is_bypassed(self) -> bool:
        """Whether the run itself computes, so that calls within are left alone."""
        return self._passes_through

    def path_of(self, module: nn.Module | None) -> str:
        return self._paths.get(module, "") if module is not None else ""

    def leave_dense(self, path: str, reason: str) -> None:
        """Record that a call of a module was left dense."""
        self.dense_layers.setdefault(path, reason)

    def attend(
        self,
        path: str,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        readable: KeyRange,
        scale: float,
        is_cross: bool = False,
    ) -> Tensor | None:
        """The output of one call [batch, heads, queries, d]; None where it is left dense."""
        layer = self._layers.setdefault(path, len(self._layers))
        if self.longest is not None and k.shape[2] > self.longest:
            raise ConfigError(
                f"got {k.shape[2]} tokens, and the model has positions for {self.longest}; give a "
                "shorter sequence"
            )
        at = torch.arange(q.shape[2], device=q.device) + k.shape[2] - q.shape[2]
        is_causal = not is_cross and bool((readable.last <= at).all())
        phase: Phase = "decode" if q.shape[2] == 1 and k.shape[2] > 1 and is_causal else "prefill"
        sequence = self._continued(path, q, k)
        inputs = AttentionInputs(q, k, v, readable, scale, layer, is_causal, sequence.step)
        for observer in self.observers:
            observer(path, inputs)
        policy = self.policies[phase]
        is_dense = policy is None or phase not in policy.phases
        for other in {one for one in self.policies.values() if one is not None}:
            if is_dense or other is not policy:
                other.scorer.observe(replace(inputs, state=sequence.state_of(other)))
        if policy is None:
            return None
        if is_dense:
            self.leave_dense(path, f"the policy {policy.name!r} does not apply in {phase}")
            return None
        inputs = replace(inputs, state=sequence.state_of(policy))
        self._check_direction(policy, is_causal, path)
        if is_cross and policy.geometry.kind != "no_geometry":
            self.leave_dense(path, "cross-attention has no distance, which the geometry needs")
            return None
        with self.bypassed():
            return self._sparse(path, phase, policy, inputs)

    def _sparse(
        self, path: str, phase: Phase, policy: AttentionPolicy, inputs: AttentionInputs
    ) -> Tensor | None:
        began = time.perf_counter()
        inputs = policy.layout.arranged(inputs)
        pattern = policy.select(inputs)
        chosen = time.perf_counter()
        if pattern is None:
            policy.scorer.observe(inputs)
            self.leave_dense(path, "the policy leaves this layer or step dense")
            return None
        out, _ = policy.attend(inputs, pattern)
        ended = time.perf_counter()
        if self.record:
            times = (chosen - began, ended - chosen)
            bytes_read = inputs.k.element_size() * (inputs.k.shape[3] + inputs.v.shape[3])
            measured = (
                (mass_kept(inputs, pattern), output_error(inputs, out))
                if self.measure
                else (None, None)
            )
            self.calls.append(
                AttentionCall(
                    path,
                    inputs.layer,
                    phase,
                    inputs.step,
                    pattern,
                    *times,
                    bytes_read,
                    *inputs.q.shape[:2],
                    *measured,
                )
            )
        return out

    def _continued(self, path: str, q: Tensor, k: Tensor) -> _Sequence:
        """What was kept of the sequence, or a new record where this call does not continue it.

        A call continues if the keys grew by its queries and the last earlier key is the same, or
        if it computes the same positions again, as denoising steps do.
        """
        sequence = self._sequences.get(path)
        queries, keys = q.shape[2], k.shape[2]
        last = k[:, :, -1:].detach().clone()
        if sequence is not None and sequence.batch == k.shape[0]:
            before = sequence.keys
            grows = keys == before + queries and torch.equal(
                k[:, :, before - 1 : before], sequence.last
            )
            if grows or keys == before == queries:
                sequence.step += 1
                sequence.keys, sequence.last = keys, last
                if not grows:
                    sequence.forget_keys()
                return sequence
        self._sequences[path] = _Sequence(k.shape[0], keys, last)
        return self._sequences[path]

    def _check_direction(self, policy: AttentionPolicy, is_causal: bool, path: str) -> None:
        if policy.causal is not None and policy.causal != is_causal:
            kinds = {True: "causal", False: "bidirectional"}
            raise ConfigError(
                f"got the policy {policy.name!r} for {kinds[policy.causal]} attention, and "
                f"{path or 'the model'} is {kinds[is_causal]}; choose another policy"
            )

    @contextmanager
    def bypassed(self) -> Iterator[None]:
        """A block in which calls are left to torch."""
        before = self._passes_through
        self._passes_through = True
        try:
            yield
        finally:
            self._passes_through = before
