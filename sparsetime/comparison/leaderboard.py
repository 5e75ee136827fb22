"""st.leaderboard: trains and measures the missing cells, and writes the leaderboard."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sparsetime.activations.sampling.batch import check_needs
from sparsetime.codes import SparseCode
from sparsetime.comparison.entry import LeaderboardEntry, ProbeAccuracy, saved_entry
from sparsetime.comparison.grid import GridCell, cells, passes
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.measure import measure, probe_accuracies
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.comparison.testbed_split import TestbedSplit, split_testbed
from sparsetime.config import validated
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.files import Folder, locks
from sparsetime.metrics.temporal.probe_ladder import RANDOM, RAW, probe_ladder
from sparsetime.progress import Bar
from sparsetime.progress import progress as running
from sparsetime.statistics.nulls import random_code
from sparsetime.training.train import train

_GIVEN = frozenset({"earlier", "segments"})  # by a store, beside its rows
_PLACEHOLDER = 64  # any width of activations will do to see whether settings make sense
RUNS = "runs"


@locks("out")
def leaderboard(out: str | Path, *, progress: bool = True, **settings: Any) -> Leaderboard:
    """Train recipes at equal budgets on testbeds, measure them, and compare what is equal.

    For every testbed, width and seed all recipes and ks are trained in one pass over the same
    batches, and measured on held-out sequences. Each cell has a file of its own in `out`, so that
    an interrupted call resumes, and a larger grid adds to a smaller one. At the end
    leaderboard.json and leaderboard.parquet are written; `sparsetime.report(out)` writes the page.

    settings: fields of `LeaderboardSettings`; `**leaderboard.settings.SMALL` is what two cores can
    do in twenty minutes.

    Errors, before any training: ConfigError for settings that are unknown or out of range;
    UnknownNameError for a testbed, recipe or label that does not exist; StoreError where `out`
    holds cells made on other terms.
    """
    chosen = validated(LeaderboardSettings, settings, "the settings of a leaderboard")
    grid = cells(chosen)
    _check_recipes(grid, chosen)
    folder = Folder(str(out))
    entries = {cell: saved_entry(folder, cell, terms(cell, chosen)) for cell in grid}
    splits = {name: _checked_split(name, chosen, progress) for name in chosen.beds}
    references = {name: _references(split, chosen) for name, split in splits.items()}
    missing = [cell for cell in grid if entries[cell] is None]
    with running("leaderboard", len(missing), "dictionaries", progress) as bar:
        for together in passes(missing):
            for entry in _trained(together, splits[together[0].bed], chosen, folder, bar):
                entry.save(folder)
                entries[entry.cell] = entry
                bar.advance()
    complete = tuple(entry for cell in grid if (entry := entries[cell]) is not None)
    board = Leaderboard(folder.url, chosen, complete, references)
    board.save()
    return board


def terms(cell: GridCell, settings: LeaderboardSettings) -> dict[str, Any]:
    """The settings that the cell is trained and measured with, as plain JSON."""
    as_json = settings.model_dump(mode="json")
    return {
        "train": as_json["train"],
        "held_out": as_json["held_out"],
        "ladder": as_json["ladder"].get(cell.bed, []),
        "bed": as_json["beds"][cell.bed],
        "recipe": as_json["recipes"][cell.recipe],
    }


def _check_recipes(grid: Sequence[GridCell], settings: LeaderboardSettings) -> None:
    """Build every recipe without memory, so that an error comes before the testbeds are built."""
    first_seed = settings.seeds[0]
    with torch.device("meta"):
        for cell in dict.fromkeys(cell.model_copy(update={"bed": ""}) for cell in grid):
            if cell.seed == first_seed:
                sae = cell.build(_PLACEHOLDER, settings)
                check_needs(sae.needs, _GIVEN, cell.recipe, "a testbed")


def _checked_split(name: str, settings: LeaderboardSettings, progress: bool) -> TestbedSplit:
    split = split_testbed(name, settings, progress)
    names = {*split.bed.store.reader.step_columns(), *split.held_out.sequence(0).labels}
    for label in split.labels:
        if label not in names:
            raise unknown_name(f"label of the testbed {name!r}", label, names)
    if not len(split.held_out):
        raise ConfigError(f"nothing of the testbed {name!r} is held out; raise held_out")
    return split


def _references(split: TestbedSplit, settings: LeaderboardSettings) -> list[ProbeAccuracy]:
    """Probe accuracy of the raw activations, and of a random dictionary of the largest width."""
    if not split.labels:
        return []
    x = split.held_out.read(0, len(split.held_out)).float()
    readers: dict[str, SparseCode | torch.Tensor] = {
        RAW: x,
        RANDOM: random_code(x, settings.widths[-1], settings.ks[-1]),
    }
    return probe_accuracies(
        probe_ladder(readers, split.labels_of_steps, split.lengths, times=split.times)
    )


def _trained(
    together: list[GridCell],
    split: TestbedSplit,
    settings: LeaderboardSettings,
    folder: Folder,
    bar: Bar,
) -> Any:
    """Train the cells in one pass, and yield each entry as it is measured."""
    first = together[0]
    bar.say(f"train {len(together)} on {first.bed}, width {first.width}, seed {first.seed}")
    began = time.monotonic()
    runs = train(
        [cell.build(split.bed.store.d, settings) for cell in together],
        split.train,
        out=f"{folder.url}/{RUNS}/{first.bed}",
        show=False,
        **{**settings.train.model_dump(), "seed": first.seed},
    )
    share = (time.monotonic() - began) / len(together)
    for cell, run in zip(together, runs, strict=True):
        bar.say(f"measure {cell.name} on {cell.bed}")
        began = time.monotonic()
        measured = measure(run.dictionary, split)
        yield LeaderboardEntry(
            cell=cell,
            terms=terms(cell, settings),
            metrics=measured.metrics,
            left_out=measured.left_out,
            probes=measured.probes,
            octaves=measured.octaves,
            seconds=share + time.monotonic() - began,
        )
