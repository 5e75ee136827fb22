"""Groups of latents that metrics are computed for: all, the first nested group, and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sparsetime.codes import SparseCode

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True)
class LatentGroup:
    """A contiguous range of latents: all of them (`name` empty), the first group, or the rest."""

    name: str
    start: int
    stop: int

    @property
    def width(self) -> int:
        """Number of latents."""
        return self.stop - self.start

    def of(self, code: SparseCode) -> SparseCode:
        """The code with the entries of this group only."""
        return code if self.name == "" else code.latents(self.start, self.stop)

    def metric_name(self, name: str) -> str:
        """The name of a metric of this group, such as `fvu`, `fvu/predicted`, `fvu/novel`."""
        return f"{name}/{self.name}" if self.name else name


def latent_groups(sae: Dictionary) -> tuple[LatentGroup, ...]:
    """All latents; where the dictionary has nested groups, also the first group and the rest.

    Names are those of `Dictionary.group_names`.
    """
    whole = LatentGroup("", 0, sae.width)
    if sae.group_names is None:
        return (whole,)
    end, (first, rest) = sae.groups[0], sae.group_names
    return (whole, LatentGroup(first, 0, end), LatentGroup(rest, end, sae.width))
