"""One-shot schedule: masks are chosen once."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.computation.schedules.mask_schedule import MaskSchedule


@final
@component("at_once")
class AtOnce(MaskSchedule):
    """The mask is chosen once, and stays.

        M(t) = M(0)

    Source: Lee et al. 2019, SNIP: Single-shot Network Pruning, of masks at initialisation.
    """

    def __init__(self) -> None:
        super().__init__()
