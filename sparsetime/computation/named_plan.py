"""Plans by the name of a recipe, by their components, or from their JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from sparsetime.component_settings import check_names, checked_settings
from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.bit_plan import BitPlan
from sparsetime.computation.plan import Plan
from sparsetime.computation.recipes.card import PlanCard
from sparsetime.computation.time_plan import TimePlan
from sparsetime.computation.weight_plan import WeightPlan
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.registry import CARDS

_KINDS: dict[str, type[Plan]] = {
    one.acts_on: one for one in (WeightPlan, ActivationPlan, TimePlan, BitPlan)
}

#: A recipe's name, "N:M", a plan, or its JSON; None where components are given.
PlanLike: TypeAlias = str | Plan | Mapping[str, Any] | None

_N_M = re.compile(r"(\d+):(\d+)")


def named_plan(method: PlanLike, settings: Mapping[str, Any]) -> Plan:
    """The plan of that name, with the recipe's settings; or composed of components.

    Errors: UnknownNameError for an unknown recipe, setting or component, with the nearest names;
    ConfigError for a recipe of another kind, and for settings beside a plan.
    """
    if method is None:
        return plan_from_config(settings)
    if isinstance(method, str):
        name, given = method, dict(settings)
        if match := _N_M.fullmatch(method):
            name, given = "n_m", {"m": int(match[2]), **given}
        card = CARDS[name]
        if not isinstance(card, PlanCard):
            raise ConfigError(
                f"got the recipe {name!r} of kind {card.kind!r}, expected one of kind "
                f"{PlanCard.kind!r}; sparsetime recipes lists them"
            )
        made: Plan = card.make(**checked_settings(f"recipe {name!r}", card.make, given))
        return made
    if settings:
        raise ConfigError(
            f"got {', '.join(settings)} beside a whole plan, expected a recipe's name with its "
            "settings; put them into the plan"
        )
    return method if isinstance(method, Plan) else plan_from_config(method)


def plan_from_config(config: Mapping[str, Any]) -> Plan:
    """The plan that `Plan.to_config` describes. Errors: ConfigError for another mapping."""
    parts = dict(config)
    acts_on = parts.pop("acts_on", "weights")
    if acts_on not in _KINDS:
        raise unknown_name("kind of plan", str(acts_on), _KINDS)
    made: type[Plan] = _KINDS[acts_on]
    check_names(f"a plan of {acts_on}", made, parts)
    return made(**parts)
