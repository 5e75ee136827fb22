"""Activations of a few features on a sample, for ablation by mean and by resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from sparsetime.activations.store.store import Store
from sparsetime.features.encoding import encode_store
from sparsetime.steering.edit_plan import edited_features
from sparsetime.steering.edits import Ablate, Edit
from sparsetime.steering.site_steering import column

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_MOST_ROWS = 65_536


def sample_of(
    sae: Dictionary, edits: dict[int, list[Edit]], data: Any
) -> Float[np.ndarray, "rows features"] | None:
    """The sample of `plan_edits`; None where no edit needs one, or no data are given.

    Errors: those of `sampled_activations`.
    """
    given = [edit for own in edits.values() for edit in own]
    needed = any(isinstance(edit, Ablate) and edit.by != "zero" for edit in given)
    if data is None or not needed:
        return None
    return sampled_activations(sae, edited_features(edits), data)


def sampled_activations(
    sae: Dictionary, features: tuple[int, ...], data: Any
) -> Float[np.ndarray, "rows features"]:
    """The activations of some features on a store, or on activations [..., d].

    Of a store the first sequences are read, up to some 65,536 steps.

    Errors: those of `encode_store`, and of `Dictionary.encode`.
    """
    if not isinstance(data, Store):
        code = sae.encode(data)
        return np.stack([column(code, f).reshape(-1) for f in features], -1)
    parts, rows = [], 0
    for sequence in encode_store(sae, data, progress=False):
        kept = sequence.kept.numpy()
        parts.append(np.stack([column(sequence.code, f) for f in features], -1)[kept])
        rows += len(parts[-1])
        if rows >= _MOST_ROWS:
            break
    return np.concatenate(parts)
