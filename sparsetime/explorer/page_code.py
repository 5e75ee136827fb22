"""A code as pages hold it that draw a timeline without the API: exports and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from sparsetime.explorer.peak_percent import percent_of_peak

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode


def page_code(code: SparseCode, peak: Float[np.ndarray, " width"]) -> dict[str, list[int]]:
    """CSR of a code of shape (time,), its values in percent of each feature's peak.

    The module web/local_codes.js reads it: `features[offsets[t]:offsets[t + 1]]` fire on step t.
    """
    feature = code.indices.cpu().numpy()
    value = code.values.detach().float().cpu().numpy()
    return {
        "offsets": code.offsets.tolist(),
        "features": feature.tolist(),
        "percents": percent_of_peak(value, peak[feature]).tolist(),
    }
