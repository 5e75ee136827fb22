"""st.leaderboard: train what is missing, measure it, and write the board."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sparsetime.activations.sampling.batch import check_needs
from sparsetime.codes import SparseCode
from sparsetime.comparison.entry import LeaderboardEntry, ProbeAccuracy, saved
from sparsetime.comparison.grid import GridCell, cells, passes
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.measure import measure, probed
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.comparison.testbed_split import TestbedSplit, split_testbed
from sparsetime.config import validated
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.files import Folder
from sparsetime.metrics.temporal.probe_ladder import RANDOM, RAW, probe_ladder
from sparsetime.progress import Bar
from sparsetime.progress import progress as running
from sparsetime.statistics.nulls import random_code
from sparsetime.training.train import train

_GIVEN = frozenset({"earlier", "segments"})  # by a store, beside its rows
_PLACEHOLDER = 64  # any width of activations will do to see whether settings make sense
RUNS = "runs"


def leaderboard(out: str | Path, *, progress: bool = True, **settings: Any) -> Leaderboard:
    """Train recipes at equal budgets on testbeds, measure them, and compare what is equal.

    For every testbed, width and seed all recipes and ks are trained in one pass over the same
    batches, and measured on sequences that were held out. Each cell has a record of its own in
    `out`, so that a call which was cut off goes on, and a larger grid adds to a smaller one. At the
    end leaderboard.json and leaderboard.parquet are written; `sparsetime.report(out)` makes the
    page.

    settings: fields of `LeaderboardSettings`; `**leaderboard.settings.SMALL` is what two cores can
    do in twenty minutes.

    Errors, before any training: ConfigError for settings that are unknown or out of range;
    UnknownNameError for a testbed, recipe or label that does not exist; StoreError where `out`
    holds cells made on other terms.
    """
    chosen = validated(LeaderboardSettings, settings, "the settings of a leaderboard")
    every = cells(chosen)
    _check_recipes(every, chosen)
    folder = Folder(str(out))
    known = {cell: saved(folder, cell, terms(cell, chosen)) for cell in every}
    grounds = {name: _ground(name, chosen, progress) for name in chosen.beds}
    references = {name: _references(each, chosen) for name, each in grounds.items()}
    due = [cell for cell in every if known[cell] is None]
    with running("leaderboard", len(due), "dictionaries", progress) as bar:
        for together in passes(due):
            for entry in _trained(together, grounds[together[0].bed], chosen, folder, bar):
                entry.save(folder)
                known[entry.cell] = entry
                bar.advance()
    entries = tuple(entry for cell in every if (entry := known[cell]) is not None)
    board = Leaderboard(folder.url, chosen, entries, references)
    board.save()
    return board


def terms(cell: GridCell, settings: LeaderboardSettings) -> dict[str, Any]:
    """What the cell is trained and measured under, as plain JSON."""
    return {
        "train": settings.train.model_dump(mode="json"),
        "held_out": settings.held_out,
        "ladder": settings.ladder.get(cell.bed, []),
        "bed": settings.beds[cell.bed],
        "recipe": settings.recipes[cell.recipe],
    }


def _check_recipes(every: Sequence[GridCell], settings: LeaderboardSettings) -> None:
    """A wrong name or setting must show before the testbeds are built."""
    first_seed = settings.seeds[0]
    with torch.device("meta"):
        for cell in dict.fromkeys(cell.model_copy(update={"bed": ""}) for cell in every):
            if cell.seed == first_seed:
                made = cell.build(_PLACEHOLDER, settings)
                check_needs(made.needs, _GIVEN, cell.recipe, "a testbed")


def _ground(name: str, settings: LeaderboardSettings, progress: bool) -> TestbedSplit:
    made = split_testbed(name, settings, progress)
    known = {*made.bed.store.reader.step_columns(), *made.held_out.sequence(0).labels}
    for label in made.labels:
        if label not in known:
            raise unknown_name(f"label of the testbed {name!r}", label, known)
    if not len(made.held_out):
        raise ConfigError(f"nothing of the testbed {name!r} is held out; raise held_out")
    return made


def _references(of: TestbedSplit, settings: LeaderboardSettings) -> list[ProbeAccuracy]:
    """What the raw activations and a random dictionary, the largest one, know of the labels."""
    if not of.labels:
        return []
    x = of.held_out.read(0, len(of.held_out)).float()
    readers: dict[str, SparseCode | torch.Tensor] = {
        RAW: x,
        RANDOM: random_code(x, settings.widths[-1], settings.ks[-1]),
    }
    return probed(probe_ladder(readers, of.labels_of_steps, of.lengths, times=of.times))


def _trained(
    together: list[GridCell],
    of: TestbedSplit,
    settings: LeaderboardSettings,
    folder: Folder,
    bar: Bar,
) -> Any:
    """Their entries, one after the other, as each is measured."""
    first = together[0]
    bar.say(f"train {len(together)} on {first.bed}, width {first.width}, seed {first.seed}")
    began = time.monotonic()
    runs = train(
        [cell.build(of.bed.store.d, settings) for cell in together],
        of.learnt,
        out=f"{folder.url}/{RUNS}/{first.bed}",
        show=False,
        **{**settings.train.model_dump(), "seed": first.seed},
    )
    share = (time.monotonic() - began) / len(together)
    for cell, run in zip(together, runs, strict=True):
        bar.say(f"measure {cell.name} on {cell.bed}")
        began = time.monotonic()
        found = measure(run.dictionary, of)
        yield LeaderboardEntry(
            cell=cell,
            terms=terms(cell, settings),
            figures=found.figures,
            left_out=found.left_out,
            probes=found.probes,
            octaves=found.octaves,
            seconds=share + time.monotonic() - began,
        )
