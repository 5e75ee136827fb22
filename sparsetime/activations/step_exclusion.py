"""Steps left out of capture, training and measuring: first steps, given tokens, large norms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.errors import ConfigError, DataError
from sparsetime.segments import Segments

if TYPE_CHECKING:
    from sparsetime.activations.sources.source import RowReader

#: Key of a dictionary's provenance under which its exclusion is saved.
EXCLUDED = "excluded_steps"
_ROWS_AT_ONCE = 1 << 16


@final
@dataclass(frozen=True)
class StepExclusion:
    """Which steps of a sequence are left out. A step is left out where any of the three holds.

    first: the first steps of every sequence; of a window, where a model reads one. tokens: steps
    with one of these tokens. norm_above: steps whose activation is longer than this many times the
    median; norm_limit: that length itself, once it was measured.

    Attention sinks of language models are such steps: of a hundred times the norm of others, they
    decide every sum of squares. Source: Xiao et al. 2024, Efficient streaming language models with
    attention sinks; Sun et al. 2024, Massive activations in large language models.

    Errors: ConfigError for negative steps, or a multiple that is not above 1.
    """

    first: int = 0
    tokens: tuple[int, ...] = ()
    norm_above: float | None = None
    norm_limit: float | None = None

    def __post_init__(self) -> None:
        if self.norm_limit is not None and self.norm_above is None:
            raise ConfigError(
                f"got norm_limit={self.norm_limit} without norm_above; give the multiple of the "
                "median that it stands for"
            )
        if self.first < 0 or (self.norm_above is not None and not self.norm_above > 1):
            raise ConfigError(
                f"got first={self.first} and norm_above={self.norm_above}, expected a number of "
                "steps from 0 on and a multiple of the median above 1"
            )

    def __bool__(self) -> bool:
        return bool(self.first or self.tokens or self.norm_above is not None)

    def to_config(self) -> dict[str, Any]:
        """The exclusion as JSON values."""
        return {**asdict(self), "tokens": list(self.tokens)}

    @staticmethod
    def of_config(saved: Mapping[str, Any] | None) -> StepExclusion:
        """The exclusion that `to_config` returned; none for None."""
        saved = saved or {}
        return StepExclusion(**{**saved, "tokens": tuple(saved.get("tokens", ()))})

    @staticmethod
    def of_provenance(provenance: Mapping[str, Any]) -> StepExclusion:
        """The exclusion that a dictionary was trained with; none where it holds none."""
        return StepExclusion.of_config(provenance.get(EXCLUDED))

    def merged(self, other: StepExclusion) -> StepExclusion:
        """The exclusion of every step that either leaves out; of two norms, the smaller limit."""
        limits = [one for one in (self, other) if one.norm_above is not None]
        strictest = min(limits, key=_norm_order, default=self)
        return StepExclusion(
            max(self.first, other.first),
            tuple(dict.fromkeys((*self.tokens, *other.tokens))),
            strictest.norm_above,
            strictest.norm_limit,
        )

    def measured(self, reader: RowReader, segments: Segments, first_rows: Any) -> StepExclusion:
        """The same with the limit of the norm, from the median over all stored rows."""
        if self.norm_above is None or self.norm_limit is not None:
            return self
        lengths = segments.numpy_lengths
        rows = np.repeat(first_rows - segments.numpy_offsets[:-1], lengths) + np.arange(
            segments.rows
        )
        if not len(rows):
            raise DataError("there are no rows of which the norm could be measured")
        norms = [
            piece.double().norm(dim=1).numpy()
            for start in range(0, len(rows), _ROWS_AT_ONCE)
            for piece in reader.pieces(rows[start : start + _ROWS_AT_ONCE])
        ]
        return replace(
            self, norm_limit=self.norm_above * float(np.nanmedian(np.concatenate(norms)))
        )

    def kept(
        self,
        x: Float[Tensor, "*batch time d"],
        tokens: Int[Tensor, "*batch time"] | None = None,
        special: Bool[Tensor, "*batch time"] | None = None,
    ) -> Bool[Tensor, "*batch time"]:
        """The steps of whole sequences, or of windows, that are not left out.

        special: steps that `first` does not count, such as special tokens, which no store holds.

        Errors: DataError where tokens decide and none are given, or the norm's limit is unknown.
        """
        kept = torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device)
        if special is None:
            kept[..., : self.first] = False
        else:
            kept &= (~special).to(x.device).cumsum(-1) > self.first
        if self.tokens:
            if tokens is None:
                raise DataError(
                    f"got an exclusion of the tokens {list(self.tokens)} for activations without "
                    "tokens; leave steps out by position or norm"
                )
            kept &= ~torch.isin(tokens.to(x.device), torch.tensor(self.tokens, device=x.device))
        if self.norm_above is not None:
            if self.norm_limit is None:
                raise DataError("the limit of the norm is unknown; measure it on activations first")
            kept &= x.double().norm(dim=-1) <= self.norm_limit
        return kept


@runtime_checkable
class ExcludingSource(Protocol):
    """A source that holds which steps are left out of its samples."""

    @property
    def excluded(self) -> StepExclusion: ...


@runtime_checkable
class ExcludableSource(Protocol):
    """A source that can leave steps out of its samples."""

    @property
    def exclusion(self) -> StepExclusion: ...

    def without_steps(self, exclusion: StepExclusion) -> Any: ...


def without_steps(source: Any, exclusion: StepExclusion) -> Any:
    """The source without the steps left out; the same where none are.

    Errors: ConfigError for a source that cannot leave steps out.
    """
    if not exclusion:
        return source
    if not isinstance(source, ExcludableSource):
        raise ConfigError(
            f"got steps to leave out of a {type(source).__name__}, which samples no sequences that "
            "are at hand; leave them out of what it gives, or capture into a store first"
        )
    return source.without_steps(exclusion)


def _norm_order(exclusion: StepExclusion) -> tuple[float, float]:
    """Order by the limit of the norm; one that is still to be measured stands behind."""
    limit = exclusion.norm_limit
    return (np.inf if limit is None else limit, exclusion.norm_above or np.inf)


def runs_of(kept: Bool[np.ndarray, " time"]) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of every unbroken run of true steps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
