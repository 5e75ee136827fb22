"""Change points of a sequence as the timeline shows them, of any number of steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.explorer.row_choice import TOO_DENSE, FeatureTable

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode

#: Steps beyond which blocks stand for steps: the search compares each with thousands before it.
MOST_STEPS = 20_000
_LATER = 2.0  # seconds until a slow result is begun, by when the page that asks for it is drawn


def change_steps(code: SparseCode, table: FeatureTable) -> list[int]:
    """Steps before which the active features change; dense features do not take part.

    Changes are between states longer than what a feature lasts by itself: the window follows from
    the dwell of the features, the median over their active steps here. Of more than MOST_STEPS
    steps, means over blocks of b = ceil(steps / MOST_STEPS) are compared; changes are then exact to
    b steps.
    """
    from sparsetime.features.change_points import boundaries, window_beyond

    counted = table.density <= TOO_DENSE
    scale = np.where(counted, 1 / np.maximum(table.peak, 1e-12), 0.0)
    feature = code.indices.cpu().numpy()
    dwell = table.dwell[feature]
    dwell = dwell[np.isfinite(dwell) & counted[feature]]
    block = -(-code.rows // MOST_STEPS)
    typical = float(np.median(dwell)) / block if len(dwell) else 1.0
    found = boundaries(block_means(code, block), scale, window_beyond(max(1.0, typical)))
    return [block * int(step) for step in found]


def block_means(code: SparseCode, block: int) -> SparseCode:
    """The mean code of every `block` steps of a code of shape (time,); the last may be shorter."""
    import torch

    from sparsetime.codes import SparseCode, offsets_of

    if block == 1:
        return code
    rows = -(-code.rows // block)
    place = code.row_of_entry.numpy() // block * code.width + code.indices.numpy()
    order = np.argsort(place, kind="stable")
    place, value = place[order], code.values.detach().abs().double().numpy()[order]
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    sums = np.add.reduceat(value, begins) if len(begins) else value
    row, feature = np.divmod(place[begins], code.width)
    return SparseCode(
        offsets_of(torch.from_numpy(row), rows),
        torch.from_numpy(feature),
        torch.from_numpy((sums / block).astype(np.float32)),
        code.width,
        (rows,),
    )


@final
class BackgroundResults:
    """Results of a slow function, computed in a thread once pages are drawn without them."""

    def __init__(self, make: Callable[[str, int], list[int]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._started: set[tuple[str, int]] = set()
        self._known: dict[tuple[str, int], list[int]] = {}

    def now(self, key: str, sequence: int) -> list[int] | None:
        """The result where it is known; None while it is computed, which the first call starts."""
        place = (key, sequence)
        with self._lock:
            if place in self._known or place in self._started:
                return self._known.get(place)
            self._started.add(place)
        thread = threading.Timer(_LATER, self._compute, place)
        thread.daemon = True
        thread.start()
        return None

    def _compute(self, key: str, sequence: int) -> None:
        found = self._make(key, sequence)
        with self._lock:
            self._known[key, sequence] = found
