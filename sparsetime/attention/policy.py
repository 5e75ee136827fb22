"""Attention policy: a composition of components that chooses the keys each query reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.attention.budgets import Budget
from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.geometry import Geometry
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.layouts import Layout
from sparsetime.attention.remainders import Remainder
from sparsetime.attention.schedules import Schedule
from sparsetime.attention.scorers import Scorer
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import Described
from sparsetime.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from sparsetime.attention.layer import SparseAttentionLayer

Phase = Literal["prefill", "decode"]
PHASES: tuple[Phase, ...] = ("prefill", "decode")
ROLES = (Layout, Geometry, Scorer, Budget, Remainder, Schedule)


@final
@dataclass(frozen=True, eq=False)
class ScoredUnits:
    """Scores of pairs of units, -inf where nothing is readable, and those read by position."""

    score: Float[Tensor, "b h query_units key_units"]
    always: Bool[Tensor, "b h query_units key_units"]
    grid: UnitGrid


@final
class AttentionPolicy(nn.Module):
    """Attention policy: layout · geometry · scorer · budget · remainder · schedule.

        pattern = budget(scorer(Q, K), geometry)   over the units of the layout
        out = merge(attention(Q, K[pattern], V[pattern]), remainder)

    Components are given as instances, by kind, or as a mapping with 'kind' and settings. share:
    whether every head of queries chooses its own keys, or all heads that read one head of keys
    choose together. phases: where the policy applies; attention is dense elsewhere. skip_layers:
    number of first attention modules that stay dense. causal: whether the policy needs a causal
    model (True), a bidirectional one (False), or works on both (None).

    Errors: those of the components' own settings; UnknownNameError for another phase.
    """

    layout: Layout
    geometry: Geometry
    scorer: Scorer
    budget: Budget
    remainder: Remainder
    schedule: Schedule

    def __init__(
        self,
        layout: Described,
        geometry: Described = "no_geometry",
        scorer: Described = "no_score",
        budget: Described = "geometry_only",
        remainder: Described = "nothing",
        schedule: Described = "every_step",
        *,
        name: str = "composed",
        share: Literal["head", "group"] = "head",
        phases: Iterable[str] = PHASES,
        skip_layers: int = 0,
        causal: bool | None = None,
    ) -> None:
        super().__init__()
        given = (layout, geometry, scorer, budget, remainder, schedule)
        for role, described in zip(ROLES, given, strict=True):
            self.add_module(role.role, role.from_description(described))
        if share not in ("head", "group"):
            raise unknown_name("value of share", share, ("head", "group"))
        for phase in phases:
            if phase not in PHASES:
                raise unknown_name("phase of attention", phase, PHASES)
        if skip_layers < 0:
            raise ConfigError(f"got skip_layers={skip_layers}, expected a number of modules")
        self.name, self.share, self.skip_layers, self.causal = name, share, skip_layers, causal
        self.phases = tuple(phase for phase in PHASES if phase in set(phases))
        #: The equal budget that `at` asked for, solved when the policy is attached to a model.
        self.target: tuple[float, Any, Phase] | None = None

    @property
    def components(self) -> dict[str, AttentionComponent]:
        """The components by role."""
        return {role.role: getattr(self, role.role) for role in ROLES}

    @property
    def needs_fit(self) -> bool:
        """Whether a component has to be fitted before use, by `fit`, and was not."""
        return any(c.needs_fit and not c.is_fitted for c in self.components.values())

    def at(self, *, sparsity: float, data: Any, phase: Phase | None = None) -> AttentionPolicy:
        """The policy with its own setting solved for a share of pairs that is left out.

        sparsity: 7/8 reads an eighth of the pairs that dense attention reads. data: texts, token
        ids [batch, time] or forward arguments; the setting is solved on them when the policy is
        attached to a model, and components that need it are fitted. phase: where the share holds;
        by default the policy's first phase. A number of keys solved at one
        length is another share at another, so data should be as long as what is run.

        Errors: ConfigError for a sparsity outside [0, 1), or a phase to which it does not apply.
        """
        if phase is not None and phase not in self.phases:
            raise ConfigError(
                f"got phase={phase!r} for the policy {self.name!r}, which applies in "
                f"{' and '.join(self.phases)} alone; choose another policy or phase"
            )
        if not 0 <= sparsity < 1:
            raise ConfigError(
                f"got sparsity={sparsity}, expected the share of pairs left out, from 0 up to 1"
            )
        other = self.replaced()
        other.target = (sparsity, data, phase or (self.phases or PHASES)[0])
        return other

    def layer(
        self, d: int, heads: int, *, key_heads: int | None = None, causal: bool = True
    ) -> SparseAttentionLayer:
        """A self-attention layer [batch, time, d] that is trained with this policy.

        Errors: those of `SparseAttentionLayer`.
        """
        from sparsetime.attention.layer import SparseAttentionLayer

        return SparseAttentionLayer(self, d, heads, key_heads, causal)

    def replaced(self, **components: AttentionComponent) -> AttentionPolicy:
        """A policy with some components replaced, by role."""
        return AttentionPolicy(
            **{**self.components, **components},
            name=self.name,
            share=self.share,
            phases=self.phases,
            skip_layers=self.skip_layers,
            causal=self.causal,
        )

    def to_config(self) -> dict[str, Any]:
        """The policy as JSON, without what was fitted."""
        return {
            "name": self.name,
            "components": {
                role: component.to_config() for role, component in self.components.items()
            },
            "share": self.share,
            "phases": list(self.phases),
            "skip_layers": self.skip_layers,
            "causal": self.causal,
        }

    def select(self, inputs: AttentionInputs) -> AttentionPattern | None:
        """The pattern of one arranged call; None where the call is dense."""
        if inputs.layer < self.skip_layers:
            return None
        with torch.no_grad():
            return self.schedule.select(inputs, self.choose)

    @property
    def knob_role(self) -> str:
        """The role whose component has the setting that solves an equal budget.

        Errors: ConfigError where no component has one.
        """
        for role in ("budget", "scorer", "geometry", "layout"):
            if self.components[role].knob is not None:
                return role
        raise ConfigError(
            f"got the policy {self.name!r}, none of whose components has a setting of its budget; "
            "give a budget such as 'top_keys'"
        )

    def choose(self, inputs: AttentionInputs) -> AttentionPattern:
        """The pattern that the scores of this call select."""
        return self.keep(self.scored(inputs))

    @torch.no_grad()
    def scored(self, inputs: AttentionInputs) -> ScoredUnits:
        """The scores of all pairs of units, before the budget."""
        grid = self.layout.grid(inputs)
        score = self.scorer.score(inputs, grid)
        if self.share == "group" and score.shape[1] == inputs.heads:
            score = score.unflatten(1, (-1, inputs.group)).mean(2)
        always = self.geometry.always(grid, score.shape[1]) & grid.some
        if not bool(grid.some.all()):
            score = torch.where(grid.some, score, -torch.inf)
        shape = torch.broadcast_shapes(always.shape, score.shape)
        return ScoredUnits(score.expand(shape), always.expand(shape), grid)

    @torch.no_grad()
    def keep(self, units: ScoredUnits) -> AttentionPattern:
        """The pattern that the budget keeps of scored units."""
        kept = self.budget.keep(units.score, units.always, units.grid, self.scorer.is_mass)
        grid = units.grid
        return AttentionPattern.of_units(kept, grid.query_bounds, grid.key_bounds, grid.readable)

    def attend(self, inputs: AttentionInputs, pattern: AttentionPattern) -> tuple[Tensor, Tensor]:
        """Output [batch, heads, queries, d] and log-sum-exp over the pattern and the remainder.

        inputs: as `layout.arranged` gives them.
        """
        out, lse = kernels.attend(inputs.q, inputs.k, inputs.v, pattern, inputs.scale)
        rest = self.remainder.rest(inputs, self.layout.grid(inputs), pattern)
        if rest is not None:
            out, lse = kernels.merge([(out, lse), rest])
        return out, lse
