"""Run of a model under attention policies: what is called, chosen, computed, and left dense."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        self._states: dict[str, dict[str, Any]] = {}
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
        self._states.clear()

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
        state = self._continued(path, q, k)
        inputs = AttentionInputs(
            q, k, v, readable, scale, layer, is_causal, state["step"], state["kept"]
        )
        for observer in self.observers:
            observer(path, inputs)
        policy = self.policies[phase]
        if policy is None or phase not in policy.phases:
            for other in self.policies.values():
                if other is not None:
                    other.scorer.observe(inputs)
            if policy is not None:
                reason = f"the policy {policy.name!r} does not apply in {phase}"
                self.leave_dense(path, reason)
            return None
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

    def _continued(self, path: str, q: Tensor, k: Tensor) -> dict[str, Any]:
        """What was kept of the sequence, or a new state where this call does not continue it.

        A call continues if the keys grew by its queries and the last earlier key is the same, or
        if it computes the same positions again, as denoising steps do.
        """
        state = self._states.get(path)
        queries, keys = q.shape[2], k.shape[2]
        if state is not None and state["batch"] == k.shape[0]:
            before = state["keys"]
            grows = keys == before + queries and torch.equal(
                k[:, :, before - 1 : before], state["last"]
            )
            if grows or keys == before == queries:
                state["step"] += 1
                state["kept"]["keeps"] = grows or before != keys
                if not grows:
                    state["kept"] = {"reused": state["kept"].get("reused")}
                    state["kept"] = {n: v for n, v in state["kept"].items() if v is not None}
                state.update(keys=keys, last=k[:, :, -1:].detach().clone())
                return state
        state = {"batch": k.shape[0], "keys": keys, "step": 0, "kept": {"keeps": True}}
        state["last"] = k[:, :, -1:].detach().clone()
        self._states[path] = state
        return state

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
