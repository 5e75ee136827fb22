"""Equal budget: the setting at which a policy leaves out a given share of pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from sparsetime.attention.component import Knob
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.policy import AttentionPolicy, Phase
from sparsetime.attention.recorded_calls import recorded_calls
from sparsetime.errors import UnreachedSparsityError
from sparsetime.key_range import KeyRange
from sparsetime.models.load import LoadedModel

# Decoding steps of each recorded call on which a policy of decoding is solved.
_DECODED = 6
# Halvings of the interval of a real setting.
_HALVINGS = 20


def solved(policy: AttentionPolicy, model: nn.Module | LoadedModel) -> AttentionPolicy:
    """The policy with the budget that `policy.at` asked for; as it is where it asked for none.

    Errors: UnreachedSparsityError where a sparsity is not reached, with the one that is.
    """
    if policy.target is None:
        return policy
    sparsity, data, phase = policy.target
    calls = recorded_calls(model, data)
    fitted(policy, calls)
    calls = [call for call in calls if call.layer >= policy.skip_layers]
    return solved_on(policy, sparsity, calls, phase)


def fit_policy(policy: AttentionPolicy, model: nn.Module | LoadedModel, data: Any) -> None:
    """Fit the components that need it to queries and keys of the model on data."""
    fitted(policy, recorded_calls(model, data))


def fitted(policy: AttentionPolicy, calls: Sequence[AttentionInputs]) -> None:
    """Fit the scorer to recorded calls, where it needs that and is not fitted."""
    if policy.needs_fit:
        policy.scorer.fit(calls)


def solved_on(
    policy: AttentionPolicy, sparsity: float, calls: Sequence[AttentionInputs], phase: Phase
) -> AttentionPolicy:
    """The policy whose own setting leaves out a share of the pairs of recorded calls.

    phase: "decode" solves on single queries of the second half of every call.

    Errors: UnreachedSparsityError where no value of the setting reaches the sparsity within 0.02
    or a key.
    """
    role = policy.knob_role
    component = policy.components[role]
    knob = component.knob
    assert knob is not None
    if phase == "decode":
        calls = [step for call in calls for step in decoding_steps(policy, call, _DECODED)]
    calls = [policy.layout.arranged(call) for call in calls]
    longest = max(call.keys for call in calls)
    # Scores do not depend on the setting of a budget, so they are computed once.
    units = [policy.scored(call) for call in calls] if role == "budget" else None

    def at(value: float) -> AttentionPolicy:
        setting = round(value) if knob.is_count else float(value)
        return policy.replaced(**{role: component.with_settings(**{knob.setting: setting})})

    def reads(value: float) -> float:
        made = at(value)
        if units is not None:
            patterns = [made.keep(one) for one in units]
        else:
            patterns = [made.choose(replace(call, state=dict(call.state))) for call in calls]
        return sum(p.pairs for p in patterns) / sum(p.readable_pairs for p in patterns)

    value, share = _searched(reads, 1 - sparsity, knob, longest)
    # One key more or less is the finest step of a count.
    tolerance = max(0.02, 0.1 * (1 - sparsity), (1.5 / longest) if knob.is_count else 0.0)
    if abs(share - (1 - sparsity)) > tolerance:
        raise UnreachedSparsityError(
            f"got sparsity={sparsity:.4g} for the policy {policy.name!r}, which leaves out "
            f"{1 - share:.4g} at {knob.setting}={value:.4g}, the nearest value; ask for another "
            "sparsity, or change its units and window"
        )
    return at(value)


def _searched(
    reads: Callable[[float], float], share: float, knob: Knob, longest: int
) -> tuple[float, float]:
    """The value of a setting whose share of read pairs is nearest, by bisection; and that share."""
    low, high = knob.low, float(longest if knob.high is None else knob.high)
    ends = [(low, reads(low)), (high, reads(high))]
    if share >= ends[1][1] or share <= ends[0][1]:
        return min(ends, key=lambda end: abs(end[1] - share))
    for _ in range(_HALVINGS):
        middle = (ends[0][0] + ends[1][0]) / 2
        if knob.is_count:
            middle = round(middle)
        if middle in (ends[0][0], ends[1][0]):
            break
        point = (middle, reads(middle))
        ends[int(point[1] >= share)] = point
    return min(ends, key=lambda end: abs(end[1] - share))


def decoding_steps(
    policy: AttentionPolicy, call: AttentionInputs, count: int
) -> list[AttentionInputs]:
    """Single queries of a causal call, as decoding steps over the keys before them.

    The scorer observes the first half of the queries, as it does a prompt.
    """
    if not call.is_causal or call.queries < 2:
        return [call]
    prompt = prefix_of(call, call.queries // 2)
    policy.scorer.observe(prompt)
    steps = []
    offset = call.keys - call.queries
    for query in (
        torch.linspace(call.queries // 2, call.queries - 1, count).long().unique().tolist()
    ):
        keys = offset + query + 1
        state = {**prompt.state, "keeps": False}
        first, last = (limit[..., query : query + 1] for limit in call.readable.limits)
        readable = KeyRange(first, last, call.readable.positions[..., :keys])
        steps.append(
            replace(
                call,
                q=call.q[:, :, query : query + 1],
                k=call.k[:, :, :keys],
                v=call.v[:, :, :keys],
                readable=readable,
                state=state,
            )
        )
    return steps


def prefix_of(call: AttentionInputs, queries: int) -> AttentionInputs:
    """The first queries of a causal call, over the keys that they read."""
    keys = call.keys - call.queries + queries
    first, last = (limit[..., :queries] for limit in call.readable.limits)
    return replace(
        call,
        q=call.q[:, :, :queries],
        k=call.k[:, :, :keys],
        v=call.v[:, :, :keys],
        readable=KeyRange(first, last, call.readable.positions[..., :keys]),
        state={},
    )
