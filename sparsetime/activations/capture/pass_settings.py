"""Settings of forward passes, and what passes found about a model and its documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch

from sparsetime.activations.capture.input_windows import DEFAULT_BATCH
from sparsetime.activations.capture.row_settings import FoundRows
from sparsetime.activations.store.manifest import DTYPES
from sparsetime.errors import ConfigError


@final
@dataclass(frozen=True)
class PassSettings:
    """Settings of windows and batches; they determine every byte of a capture."""

    window: int | None = None
    overlap: int = 0
    batch: int = DEFAULT_BATCH
    dtype: str = "auto"
    time_axis: int = 1

    def __post_init__(self) -> None:
        for name in ("window", "batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name}={value} must be at least 1")
        if self.dtype not in ("auto", *DTYPES):
            raise ConfigError(
                f"got dtype={self.dtype!r}, expected 'auto' (as the model computes) or one of "
                f"{', '.join(DTYPES)}"
            )

    def stored_dtype(self, computed: torch.dtype) -> torch.dtype:
        """The dtype in which activations that the model computes in `computed` are stored."""
        if self.dtype != "auto":
            named: torch.dtype = getattr(torch, self.dtype)
            return named
        storable = str(computed).removeprefix("torch.") in DTYPES
        return computed if storable else torch.float32


@final
@dataclass
class PassFacts:
    """What was found about a model and its documents.

    may_pad: whether windows of several lengths run together, padded. saw_longer_window: whether
    batches were checked on a window of more than one step; live passes are not checked.
    padded_before: whether a token that begins a document is padding, where the same token may be
    the beginning of a text; None where that is unknown. found: the rows of sites at another rate
    than the input; None until a site turns out to be one.
    """

    may_pad: bool
    saw_longer_window: bool = True
    padded_before: bool | None = None
    found: FoundRows | None = None
