"""Grid cells: the training runs of a leaderboard, and those that share a pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import final

from pydantic import BaseModel, ConfigDict

from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary


@final
class GridCell(BaseModel):
    """One training run: a recipe on a testbed, with a width, a k and a seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bed: str
    recipe: str
    width: int
    k: int
    seed: int

    @property
    def name(self) -> str:
        """Its folder name, unique among the cells of its testbed."""
        return f"{self.recipe}-{self.width}-k{self.k}-seed{self.seed}"

    def build(self, d_in: int, settings: LeaderboardSettings) -> Dictionary:
        """A new dictionary of the cell.

        Errors: those of `sparsetime.dictionary`, where a recipe has no `k` or no such setting.
        """
        arguments = {"k": self.k, **settings.recipes[self.recipe]}
        sae = dictionary(self.recipe, d_in=d_in, width=self.width, seed=self.seed, **arguments)
        sae.name = self.name  # names are folders where many are trained at once
        return sae


def cells(settings: LeaderboardSettings) -> list[GridCell]:
    """All training runs; those that can share a pass are neighbours."""
    grid = product(settings.beds, settings.widths, settings.seeds, settings.recipes, settings.ks)
    return [
        GridCell(bed=bed, recipe=recipe, width=width, k=k, seed=seed)
        for bed, width, seed, recipe, k in grid
    ]


def passes(due: Sequence[GridCell]) -> list[list[GridCell]]:
    """Cells that read the same batches, grouped to be trained together."""
    shared: dict[tuple[str, int, int], list[GridCell]] = {}
    for cell in due:
        shared.setdefault((cell.bed, cell.width, cell.seed), []).append(cell)
    return list(shared.values())
