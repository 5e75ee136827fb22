"""PretrainingObjective: weighted terms and a teacher, described before there is a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeAlias, cast, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.torch_settings import with_gradients

#: A term: its kind, or a mapping with "kind", "weight" and settings.
DescribedTerm: TypeAlias = str | Mapping[str, Any]


@final
@dataclass(frozen=True)
class PretrainingObjective:
    """What a sequence model is pretrained on: a sum of terms.

        loss = sum_k weight_k term_k

    terms: each a mapping with "kind", "weight" and settings. teacher: how slowly the teacher, whose
    vectors some terms compare with, follows the model: teacher <- a teacher + (1 - a) model after
    each step; None: the teacher is the model itself. model: view, mixers and channel of the model
    that the paper trains, by which `encoder` composes one.

    Source of the teacher: Tarvainen and Valpola 2017, arXiv:1703.01780.
    """

    name: str
    terms: tuple[Mapping[str, Any], ...]
    teacher: float | None = None
    model: Mapping[str, Any] = field(default_factory=dict)

    def to_config(self) -> dict[str, Any]:
        """The objective as JSON."""
        return {
            "name": self.name,
            "terms": [dict(term) for term in self.terms],
            "teacher": self.teacher,
        }

    def encoder(self, *, d: int = 64, seed: int = 0, **sizes: Any) -> SequenceModel:
        """A new model of the kind that the paper trains, such as `encoder(d_in=3)`.

        sizes: of its components, such as d_in, or height and width of frames.

        Errors: ConfigError where the objective names no model; those of `compose_model`.
        """
        if not self.model:
            raise ConfigError(
                f"got the objective {self.name!r}, which names no model, expected one of a recipe; "
                "compose a model with st.compose_model"
            )
        described = dict(self.model)
        return compose_model(
            described.pop("view"),
            described.pop("mixers"),
            **described,
            d=d,
            name=f"encoder of {self.name}",
            seed=seed,
            **sizes,
        )


def compose_objective(
    terms: DescribedTerm | Sequence[DescribedTerm],
    *,
    teacher: float | None = None,
    name: str = "composed",
    model: Mapping[str, Any] | None = None,
) -> PretrainingObjective:
    """An objective of terms: `compose_objective(["rebuild", {"kind": "variance", "weight": 0.1}])`.

    Errors: ConfigError where there is no term, for a weight that is not at least 0, and for a
    teacher out of [0, 1); UnknownNameError for a kind that does not exist.
    """
    listed = [terms] if isinstance(terms, str | Mapping) else list(terms)
    if not listed:
        raise ConfigError("got no terms, expected at least one, such as 'masked'")
    if teacher is not None and not 0 <= teacher < 1:
        raise ConfigError(
            f"got teacher={teacher}, expected the share that it keeps at each step, from 0 to "
            "below 1, or None for the model itself"
        )
    described: list[Mapping[str, Any]] = []
    for term in listed:
        one: dict[str, Any] = {"kind": term} if isinstance(term, str) else dict(term)
        weight = one.setdefault("weight", 1.0)
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not (is_number and isfinite(weight) and weight >= 0):
            raise ConfigError(f"got weight={weight!r}, expected a number of at least 0")
        PretrainingTerm.kinds[str(one.get("kind"))]  # an unknown one is an error already here
        described.append(one)
    return PretrainingObjective(name, tuple(described), teacher, dict(model or {}))


@final
class ModelUnderObjective(nn.Module):
    """A model with the terms of an objective, which hold its decoders, and the teacher.

    seed: of the weights of the terms.

    Errors: ConfigError where a term does not fit the model.
    """

    def __init__(self, model: SequenceModel, objective: PretrainingObjective, seed: int) -> None:
        super().__init__()
        self.model = model
        sizes: dict[str, Any] = {"d": model.d, "content_size": model.view.content_size}
        self.weights = [float(term["weight"]) for term in objective.terms]
        with with_gradients(), seeds.torch_globals(seed, "initial weights of pretraining terms"):
            terms = [
                PretrainingTerm.from_description(
                    {key: value for key, value in term.items() if key != "weight"}, sizes
                )
                for term in objective.terms
            ]
        for term in terms:
            term.check(model)
        device = next(model.parameters()).device
        self.terms = nn.ModuleList(terms).to(device)
        self.decay = objective.teacher
        self.teacher = None if self.decay is None else deepcopy(model).requires_grad_(False)

    def losses(
        self, x: Shaped[Tensor, "batch steps ..."], random: torch.Generator
    ) -> dict[str, Float[Tensor, ""]]:
        """Every term of a batch by name, weighted; terms of one kind are numbered."""
        step = PretrainingPass(self.model, self.teacher or self.model, x, random)
        kinds = [cast(PretrainingTerm, term).kind for term in self.terms]
        losses = {}
        for number, (kind, weight) in enumerate(zip(kinds, self.weights, strict=True)):
            name = kind if kinds.count(kind) == 1 else f"{kind}_{kinds[:number].count(kind)}"
            losses[name] = weight * cast(PretrainingTerm, self.terms[number]).loss(step)
        return losses

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Move the teacher towards the model."""
        if self.teacher is None or self.decay is None:
            return
        for slow, fast in zip(self.teacher.parameters(), self.model.parameters(), strict=True):
            slow.lerp_(fast, 1 - self.decay)
        for kept, new in zip(self.teacher.buffers(), self.model.buffers(), strict=True):
            kept.copy_(new)
