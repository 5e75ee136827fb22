"""Recipe cards of published attention policies, and policies made by recipe."""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

from sparsetime.attention.policy import AttentionPolicy
from sparsetime.component_settings import checked_settings
from sparsetime.errors import ConfigError
from sparsetime.registry import CARDS, Card


@final
class AttentionPolicyCard(Card):
    """The card of a published attention policy; `make` takes its settings."""

    kind = "attention policy"
    reads = "queries and keys"

    @property
    def components(self) -> dict[str, str]:
        """The kind of every component, by role."""
        return {role: one.kind for role, one in self._example.components.items()}

    @property
    def needs(self) -> frozenset[str]:
        """Of "data", to which the policy is fitted before use; empty for most."""
        return frozenset({"data"}) if self._example.needs_fit else frozenset()

    @cached_property
    def _example(self) -> AttentionPolicy:
        example: AttentionPolicy = self.make()
        return example


#: Decorator: register a function that composes an attention policy as a recipe.
policy_recipe = AttentionPolicyCard.register


def attention_policy(name: str, **settings: Any) -> AttentionPolicy:
    """A new attention policy by recipe: `attention_policy("quest", page=16, keys=256)`.

    settings: the recipe's own (`sparsetime recipes NAME` lists them). `policy.at(sparsity=7/8)`
    gives it an equal budget, `st.attend(model, policy)` attaches it to a model.

    Errors: UnknownNameError for an unknown recipe or setting, with the nearest names; ConfigError
    for settings out of range, and for a recipe of another kind.
    """
    card = CARDS[name]
    if not isinstance(card, AttentionPolicyCard):
        raise ConfigError(
            f"got the recipe {name!r} of kind {card.kind!r}, expected one of kind "
            f"{AttentionPolicyCard.kind!r}; sparsetime recipes lists them"
        )
    checked = checked_settings(f"recipe {name!r}", card.make, settings)
    policy: AttentionPolicy = card.make(**checked)
    policy.name = card.name
    return policy
