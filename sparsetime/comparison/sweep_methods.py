"""Methods of a sweep by the kind of their recipe: how each makes a model sparse, at what work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, final

from torch import nn

from sparsetime.attention.attend_model import attend
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import AttentionPolicyCard, attention_policy
from sparsetime.computation.plan import Plan
from sparsetime.computation.recipes.card import PlanCard
from sparsetime.computation.sparse import Sparse
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel
from sparsetime.registry import CARDS, Card

Phase = Literal["prefill", "decode"]


@final
@dataclass(frozen=True)
class SweepWork:
    """What a sparse model did: the share that was left out, and the work that remained.

    pairs: of a query and a key, read; bytes_read: of keys and values. NaN where a method has none.
    """

    sparsity: float
    pairs: float
    bytes_read: float


@final
@dataclass(frozen=True)
class SparseRun:
    """A model made sparse by a method; `work()` is that of what was run since its last call."""

    model: nn.Module
    work: Callable[[], SweepWork]


#: From model, method, sparsity, calibration data and phase to a block in which the model is sparse;
#: the block yields None where the method does not apply in the phase.
SparseBlock = Callable[
    [LoadedModel, Any, float, Any, Phase], AbstractContextManager[SparseRun | None]
]


def method_kind(method: Any) -> str:
    """The kind of recipe of a method, which is a name or what a recipe makes.

    Errors: UnknownNameError for a name that no recipe has; ConfigError for a kind or an object of
    which no sweep is known, and for a method that changes weights during training or takes no
    sparsity.
    """
    if isinstance(method, AttentionPolicy):
        return AttentionPolicyCard.kind
    described = CARDS[method] if isinstance(method, str) else method
    if isinstance(described, Plan | PlanCard):
        if "training" in described.needs:
            raise ConfigError(
                f"got {method!r}, which changes weights during training, as a method of a sweep, "
                "expected one that needs none, such as 'magnitude' or 'wanda'"
            )
        if not described.takes_sparsity:
            raise ConfigError(
                f"got {method!r}, which takes no sparsity, as a method of a sweep over sparsities, "
                "expected one that does, such as 'magnitude' or 'teal'"
            )
        return PlanCard.kind
    kind = described.kind if isinstance(described, Card) else type(method).__name__
    if kind not in SPARSE_BLOCKS:
        raise ConfigError(
            f"got {method!r} of kind {kind!r} as a method of a sweep, expected one of kind "
            f"{', '.join(sorted(SPARSE_BLOCKS))}"
        )
    return kind


@contextmanager
def _with_policy(
    model: LoadedModel, method: str | AttentionPolicy, sparsity: float, data: Any, phase: Phase
) -> Iterator[SparseRun | None]:
    policy = attention_policy(method) if isinstance(method, str) else method
    if phase not in policy.phases:
        yield None
        return
    policy = policy.at(sparsity=sparsity, data=data, phase=phase)
    phases: Any = {phase: policy}
    with attend(model, **phases) as run:

        def work() -> SweepWork:
            report = run.report()
            run.calls.clear()
            run.new_sequence()  # the next task's tokens are others
            return SweepWork(
                report.sparsity(phase),
                sum(head.pairs for head in report.heads),
                sum(head.bytes_read for head in report.heads),
            )

        yield SparseRun(run.model, work)


@contextmanager
def _with_plan(
    model: LoadedModel, method: str | Plan, sparsity: float, data: Any, phase: Phase
) -> Iterator[SparseRun | None]:
    sparse = Sparse(model).then(method, sparsity=sparsity, data=data)
    try:
        rows = sparse.report().matrices
        left_out = 1 - sum(row.kept for row in rows) / sum(row.entries for row in rows)
        yield SparseRun(model.model, lambda: SweepWork(left_out, math.nan, math.nan))
    finally:
        sparse.dense()


#: How methods of each kind of recipe make a model sparse.
SPARSE_BLOCKS: dict[str, SparseBlock] = {
    AttentionPolicyCard.kind: _with_policy,
    PlanCard.kind: _with_plan,
}
