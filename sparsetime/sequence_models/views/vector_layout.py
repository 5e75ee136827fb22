"""VectorLayout: how the vectors of a view lie in time, and at the places of each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class VectorLayout:
    """Vector i is place `i % places` of time `i // places`.

    times: how many times there are. places: vectors at each, such as the places of a frame.
    """

    times: int
    places: int = 1

    @property
    def count(self) -> int:
        """Number of vectors."""
        return self.times * self.places
