"""Activations of a few features on a sample, for ablation by mean and by resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from sparsetime.activations.store.store import Store
from sparsetime.features.encoding import encode_store
from sparsetime.steering.site_steering import column

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

_MOST_ROWS = 65_536


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
