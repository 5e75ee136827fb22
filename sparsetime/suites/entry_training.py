"""Training and measurement of one dictionary of a suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.serialise import JSON_NAME
from sparsetime.files import Folder
from sparsetime.metrics.evaluate import evaluate
from sparsetime.suites.ce_increase_by_context import CeIncreaseByContext
from sparsetime.suites.settings import SuiteSettings
from sparsetime.suites.suite_record import Suite, SuiteEntry
from sparsetime.training.train import train


@final
@dataclass(frozen=True)
class PlannedDictionary:
    """A dictionary to train: its site, the pattern and depth of the site, width, and store."""

    site: str
    pattern: str
    depth: int
    width: int
    store: Store

    @property
    def folder(self) -> str:
        """The name of its folder within the suite's."""
        return f"{self.store.path.rstrip('/').rpartition('/')[2]}-{self.width}"


def planned_dictionaries(
    patterns: Mapping[str, list[str]], stores: Sequence[Store], widths: Sequence[int]
) -> list[PlannedDictionary]:
    """One dictionary for every site of every pattern, and every width."""
    by_site = {store.site: store for store in stores}
    return [
        PlannedDictionary(site, pattern, depth, width, by_site[site])
        for pattern, names in patterns.items()
        for depth, site in enumerate(names)
        for width in widths
    ]


def new_dictionary(settings: SuiteSettings, site: str, d_in: int, width: int) -> Dictionary:
    """An untrained dictionary of the suite, with initial weights of its own.

    From equal weights, atoms of two sites would resemble each other without a reason in the model.

    Errors: those of `sparsetime.dictionary`.
    """
    seed = seeds.integer(settings.seed, "initial weights of a suite", site, width)
    return dictionary(settings.recipe, d_in=d_in, width=width, seed=seed, **settings.settings)


def trained_entry(
    planned: PlannedDictionary,
    settings: SuiteSettings,
    suite: Suite,
    increases: CeIncreaseByContext,
    force: bool,
) -> SuiteEntry:
    """The entry of one dictionary with its metrics; work of an earlier call is opened.

    Errors: those of `sparsetime.train` and `sparsetime.evaluate`.
    """
    training, held_out = planned.store.split(held_out=settings.held_out, seed=settings.split_seed)
    run = train(
        new_dictionary(settings, planned.site, planned.store.d, planned.width),
        training,
        out=f"{suite.path}/{planned.folder}",
        show=False,
        force=force,
        **settings.train.model_dump(),
    )
    sha256 = str(Folder(run.path).read_json(JSON_NAME)["sha256"])
    entry = {saved.folder: saved for saved in suite.entries}.get(planned.folder)
    if entry is None or entry.sha256 != sha256:
        values = _measured(run.dictionary, held_out, run.path)
        place = (planned.site, planned.pattern, planned.depth, planned.width, planned.folder)
        entry = SuiteEntry(*place, sha256, *values)
    if set(increases.names) <= entry.ce_increase.keys():
        return entry
    measured = increases.of(run.dictionary, planned.site, held_out)
    return replace(entry, ce_increase={**entry.ce_increase, **measured})


def _measured(sae: Dictionary, held_out: Store, path: str) -> tuple[float, float, float]:
    """FVU, L0 and the share of dead latents on held-out documents."""
    report = evaluate(sae, held_out, ("fvu", "l0", "dead"), out=path, progress=False)
    fvu, l0, dead = (report[name].value for name in ("fvu", "l0", "dead"))
    assert isinstance(fvu, float | int), "a number, no histogram"
    assert isinstance(l0, float | int) and isinstance(dead, float | int)
    return fvu, l0, dead
