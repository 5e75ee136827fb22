"""Errors that a user's model raises, in words that say what was run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sparsetime.errors import DataError, SparsetimeError


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Within the block, whatever a user's model raises becomes a DataError that begins `what`.

    A model is any code, so no list of exception types is complete. Errors of this package, and of
    memory that ran out, pass as they are.
    """
    try:
        yield
    except (SparsetimeError, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        raise DataError(f"{what}: {str(error).strip() or type(error).__name__}") from error
