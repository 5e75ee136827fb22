"""Fingerprint of a store's view, by which a training sees that its data are the same."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from jaxtyping import Int

from sparsetime.activations.step_exclusion import StepExclusion


def view_fingerprint(
    checksums: str,
    sequences: Int[np.ndarray, " sequences"],
    first_rows: Int[np.ndarray, " sequences"],
    lengths: Int[np.ndarray, " sequences"],
    exclusion: StepExclusion,
) -> str:
    """SHA-256 of the checksums of the activations and of what a view shows of them, as hex."""
    digest = hashlib.sha256(checksums.encode())
    for numbers in (sequences, first_rows, first_rows + lengths):
        digest.update(np.ascontiguousarray(numbers, dtype="<i8").data)
    if exclusion:
        digest.update(json.dumps(exclusion.to_config()).encode())
    return digest.hexdigest()
