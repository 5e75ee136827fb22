"""Source: the interface of activations for training, from a store, memory or a live model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.sampling.sample_kinds import Lag
from sparsetime.errors import MismatchError
from sparsetime.models.model_hash import same_model


@runtime_checkable
class RowReader(Protocol):
    """Random access to activations by row number, for the samplers."""

    @property
    def d(self) -> int: ...

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def in_memory(self) -> bool:
        """Whether `pieces` costs no reading, so that the samplers need not copy into a buffer."""
        ...

    def pieces(self, rows: NDArray[np.int64]) -> Iterator[Float[Tensor, "some d"]]:
        """The rows of the given numbers (ascending), in order, in as few tensors as come easily."""
        ...


@runtime_checkable
class PrefetchingReader(Protocol):
    """A reader that can begin to fetch rows before they are read."""

    def prefetch(self, rows: NDArray[np.int64]) -> None:
        """Begin to fetch the given rows (ascending); returns at once."""
        ...


@dataclass(frozen=True)
class Origin:
    """The model and the site that activations were captured from; None where unknown."""

    model_name: str | None = None
    model_hash: str | None = None
    site: str | None = None


UNKNOWN = Origin()


@runtime_checkable
class Source(Protocol):
    """Activations of one site of one model, in shuffled batches of float32.

    `model_name`, `model_hash` and `site` are None where they are unknown. With `epochs=None` the
    batches never end, except where the data can be read only once. The order is a function of
    `seed`. `skip=n` starts after the first `n` batches, so that training can resume. `lag` is a
    number of steps, or the least and the most of a random one.

    `fingerprint` is equal for equal activations. It is None where activations are computed while
    they are used.
    """

    @property
    def d(self) -> int: ...

    @property
    def model_name(self) -> str | None: ...

    @property
    def model_hash(self) -> str | None: ...

    @property
    def site(self) -> str | None: ...

    @property
    def fingerprint(self) -> str | None: ...

    def rows(
        self, batch: int, *, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]: ...

    def pairs(
        self, batch: int, *, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]: ...

    def windows(
        self, batch: int, *, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]: ...


def check_width(source: Source, d: int, what: str = "dictionary") -> None:
    """Errors: MismatchError where `what` reads activations of another width than the source's."""
    if source.d != d:
        raise MismatchError(
            f"the {what} reads activations of width {d}, the source gives width {source.d}"
            + (f" (site {source.site!r})" if source.site else "")
            + ". Use activations of the site that it was made for"
        )


def check_model(source: Source, model_hash: str | None, what: str = "dictionary") -> None:
    """Errors: MismatchError where both models are known and differ."""
    if model_hash and source.model_hash and not same_model(source.model_hash, model_hash):
        raise MismatchError(
            f"the {what} was made for a model with hash {model_hash}, the source was captured from "
            f"{source.model_name or 'a model'} with hash {source.model_hash}. "
            "Capture activations of the model that it was made for"
        )
