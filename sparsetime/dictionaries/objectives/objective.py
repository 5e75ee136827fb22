"""Objective: the weighted sum of loss terms."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


class Objective(nn.Module):
    """Weighted sum of loss terms of different kinds.

        loss = Σ_terms weight · loss(term)

    Errors: ConfigError where there are no terms, or two of one kind.
    """

    def __init__(self, terms: list[Term]) -> None:
        super().__init__()
        kinds = [term.kind for term in terms]
        if not kinds or len(set(kinds)) < len(kinds):
            raise ConfigError(
                f"got the terms {', '.join(kinds) or 'none'}, expected one or more, each of "
                "another kind"
            )
        self.terms = nn.ModuleList(terms)

    @property
    def members(self) -> list[Term]:
        """The terms, in order."""
        return [term for term in self.terms if isinstance(term, Term)]

    def losses(self, step: ForwardPass) -> dict[str, Float[Tensor, ""]]:
        """Losses by the kind of their term, before weights."""
        return {term.kind: term.loss(step) for term in self.members}

    def total(self, losses: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The weighted sum that is differentiated."""
        weighted = [
            losses[term.kind] if term.weight == 1 else term.weight * losses[term.kind]
            for term in self.members
        ]
        total: Tensor = sum(weighted[1:], weighted[0])
        return total

    def to_config(self) -> list[dict[str, Any]]:
        return [term.to_config() for term in self.members]

    @staticmethod
    def from_config(config: list[dict[str, Any]]) -> Objective:
        """The objective of the terms with these configs."""
        return Objective([Term.from_config(term) for term in config])
