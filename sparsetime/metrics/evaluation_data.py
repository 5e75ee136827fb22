"""Data that metrics are computed from: codes of all sequences, and sums over activations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, final

import numpy as np
from jaxtyping import Int

from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.latent_groups import LatentGroup
from sparsetime.statistics.estimate import bootstrap_groups

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.encoding import EncodedSequence
    from sparsetime.models.load import LoadedModel

G = TypeVar("G", bound="Gather")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@final
@dataclass(frozen=True)
class EvaluationContext:
    """Inputs of one evaluation.

    slow_label, fast_label: labels that the probes predict; None for the default. model: the model
    of the store's activations, None where none was given. context: tokens of a window that the
    model reads; tokens: how many it reads at most. seed: of everything random. exclusion: steps
    that are left out. by: a label of sequences; probes are fitted on some of its values and scored
    on others.
    """

    sae: Dictionary
    store: Store
    groups: tuple[LatentGroup, ...]
    slow_label: str | None = None
    fast_label: str | None = None
    model: LoadedModel | None = None
    context: int = 128
    tokens: int = 16_384
    seed: int = 0
    exclusion: StepExclusion = field(default_factory=StepExclusion)
    by: str | None = None

    @property
    def sequences(self) -> int:
        """Number of sequences of the store."""
        return len(self.store.sequence_indices)

    @property
    def resampled_groups(self) -> int:
        """Number of groups of sequences that intervals are resampled over."""
        return int(bootstrap_groups(self.sequences).max(initial=0)) + 1


class Gather(ABC):
    """Reads every sequence of an evaluation once; activations are not kept."""

    @abstractmethod
    def __init__(self, context: EvaluationContext) -> None: ...

    @abstractmethod
    def update(self, sequence: EncodedSequence, group: int) -> None:
        """Read the next sequence; `group` is the group that it is resampled with."""


class CodeFunction(Protocol[T_co]):
    """A function of a code, the lengths of its sequences and a seed."""

    def __call__(self, code: SparseCode, lengths: list[int], *, seed: int) -> T_co: ...


@final
@dataclass(frozen=True, eq=False)
class EvaluationData:
    """Everything that the metrics of one group of latents read.

    code: of all sequences, one after another, with the entries of this group. lengths: steps of
    each sequence. gathered: what was summed during the pass, by its class.
    """

    context: EvaluationContext
    group: LatentGroup
    code: SparseCode
    lengths: list[int]
    gathered: Mapping[type[Gather], Gather]
    _results: dict[Callable[..., Any], Any] = field(default_factory=dict)

    def once(self, function: CodeFunction[T]) -> T:
        """The function's result on code, lengths and seed; computed once for several metrics.

        Errors: those of the function, again at every call.
        """
        if function not in self._results:
            try:
                self._results[function] = function(self.code, self.lengths, seed=self.context.seed)
            except DataError as error:
                self._results[function] = error
        result = self._results[function]
        if isinstance(result, DataError):
            raise result
        return cast("T", result)

    def of(self, kind: type[G]) -> G:
        """What a gatherer has summed."""
        gatherer = self.gathered[kind]
        assert isinstance(gatherer, kind)
        return gatherer

    @property
    def group_of_sequence(self) -> Int[np.ndarray, " sequences"]:
        """The group of each sequence."""
        return bootstrap_groups(len(self.lengths))

    @property
    def group_of_row(self) -> Int[np.ndarray, " rows"]:
        """The group of the sequence of each row."""
        return np.repeat(self.group_of_sequence, self.lengths)
