"""What a term of an objective is, and how terms add up."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.part import Part, build
from sparsetime.dictionaries.step import Step


class Term(Part):
    """A number that training makes small."""

    role = "term"
    #: What a training batch must consist of for this term: "rows" or "pairs".
    needs: ClassVar[str] = "rows"
    weight: float

    @abstractmethod
    def loss(self, step: Step) -> Float[Tensor, ""]:
        """The term for one batch, before its weight."""


class Objective(nn.Module):
    """The weighted sum of terms."""

    def __init__(self, terms: list[Term]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    @property
    def needs(self) -> str:
        """What a batch consists of: "pairs" where some term compares neighbours, else "rows"."""
        return "pairs" if any(term.needs == "pairs" for term in self._all()) else "rows"

    def losses(self, step: Step) -> dict[str, Float[Tensor, ""]]:
        """Every term by its kind, before weights."""
        return {term.kind: term.loss(step) for term in self._all()}

    def total(self, losses: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The weighted sum that is differentiated."""
        weighted = [term.weight * losses[term.kind] for term in self._all()]
        total: Tensor = sum(weighted[1:], weighted[0])
        return total

    def written(self) -> list[dict[str, Any]]:
        return [term.written() for term in self._all()]

    @staticmethod
    def build(written: list[dict[str, Any]]) -> Objective:
        return Objective([build("term", one) for one in written])

    def _all(self) -> list[Term]:
        return [term for term in self.terms if isinstance(term, Term)]
