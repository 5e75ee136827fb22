"""Capture of sites of one rate: folders are checked first, then activations are written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import final

import torch
from torch import Tensor

from sparsetime.activations.capture.activation_settings import ActivationSettings, capture_record
from sparsetime.activations.capture.capture_data import CaptureData, OpenedData
from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.capture_progress import CaptureProgress
from sparsetime.activations.capture.check_finite import check_shard_finite
from sparsetime.activations.capture.input_windows import Shard
from sparsetime.activations.capture.left_out_steps import kept_of_plan
from sparsetime.activations.capture.row_settings import FoundRows, SeveralRatesError
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.manifest import ROWS
from sparsetime.activations.store.site_writer import SiteWriter
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel
from sparsetime.progress import progress


@final
@dataclass(frozen=True)
class CaptureRequest:
    """What is captured, how, and into which folder; see `capture`.

    many_sites: whether each site has a folder of its own within `out`.
    """

    loaded: LoadedModel
    data: CaptureData
    out: str
    settings: ActivationSettings
    many_sites: bool
    part: CapturePart | None
    shard_rows: int
    keep_input: bool
    force: bool


def begin_captures(
    request: CaptureRequest, sites: list[str], opened: OpenedData
) -> list[SitesCapture]:
    """The capture of all sites, or one for the sites of each rate; all folders are checked.

    opened: the request's data, opened a first time.

    Errors: those of `SitesCapture`; ConfigError for several rates and data that can be read once.
    """
    try:
        return [SitesCapture(request, sites, opened)]
    except SeveralRatesError as error:
        if not request.data.is_repeatable:
            raise ConfigError(
                f"got {error.shown}, which are captured one rate after another, and data that can "
                "be read once; give a list, files or a data set in place of an iterator, or "
                f"capture {error.apart}, each with a folder of its own as out="
            ) from None
        return [
            SitesCapture(
                replace(request, settings=replace(request.settings, found=rows)),
                names,
                request.data.opened(request.part),
            )
            for names, rows in error.groups
        ]


@final
class SitesCapture:
    """The capture of sites with rows at one rate. names: of the sites, in order.

    Errors: those of `capture`; SeveralRatesError for sites of several rates.
    """

    def __init__(self, request: CaptureRequest, sites: list[str], data: OpenedData) -> None:
        settings = request.settings
        passes = settings.forward_passes(request.loaded, sites)
        first, planned, widths_and_dtypes = passes.begin(
            data.documents(passes), request.shard_rows, request.part, request.keep_input
        )
        data.annotations.check_clock(passes.clock)
        if settings.exclusion:  # documents without tokens are refused before long work
            kept_of_plan(first, settings.exclusion)
        record = capture_record(
            settings, passes, request.shard_rows, request.part, request.keep_input
        )
        found = passes.facts.found or FoundRows()
        of_rows = [{ROWS: rows} if (rows := found.to_record(n)) else {} for n in passes.names]
        out = request.out
        folders = [f"{out}/{s.folder}" if request.many_sites else out for s in passes.sites]
        self.names = passes.names
        self._writers = [
            SiteWriter(
                *(folder, request.loaded, name, *widths_and_dtypes[name]),
                unit=first.windows[0].prepared.unit,
                capture=record | rows_record,
                force=request.force,
                copies_in=None if folder == folders[0] or "://" in folder else folders[0],
            )
            for folder, name, rows_record in zip(folders, passes.names, of_rows, strict=True)
        ]
        for writer in self._writers:  # a store of other data is refused before anything is written
            writer.needs(0, first)
        self._passes, self._shards = passes, chain([first], planned)
        self._data, self._exclusion = data, settings.exclusion

    def run(self, show: bool) -> list[Store]:
        """Run the model over what is lacking; returns the finished stores, one a site."""
        stores = self._write(self._shards, show)
        self._data.annotations.write(stores)
        if empty := self._passes.empty:
            warnings.warn(
                f"{len(empty)} documents have no steps and were left out; the first of them is "
                f"{empty[0]!r}",
                stacklevel=4,
            )
        return stores

    def _write(self, planned: Iterator[Shard], show: bool) -> list[Store]:
        """Run every shard that a store lacks; each is written while the next one runs."""
        pending: Future[None] | None = None
        total, title = self._data.total, f"capture {', '.join(self.names)}"
        with (
            progress(title, total.total, total.unit, show) as bar,
            ThreadPoolExecutor(1, "sparsetime-writer") as background,
        ):
            progress_of_rows = CaptureProgress(bar, total)
            for number, shard in enumerate(planned):
                lacking = [writer for writer in self._writers if writer.needs(number, shard)]
                if not lacking:
                    progress_of_rows.skip(shard)
                    continue
                activations = self._passes.run(shard, progress_of_rows.advance)
                if pending is not None:  # memory holds at most two shards
                    pending.result()
                pending = background.submit(_append, lacking, shard, activations, self._exclusion)
                del activations
            if pending is not None:
                pending.result()
        return [writer.finish() for writer in self._writers]


def _append(
    writers: list[SiteWriter],
    shard: Shard,
    activations: dict[str, Tensor],
    exclusion: StepExclusion,
) -> None:
    kept = kept_of_plan(shard, exclusion)
    for writer in writers:  # all sites are checked before any is written
        if not kept.all():  # what is left out may overflow the dtype: a reason to leave it out
            activations[writer.site][torch.from_numpy(~kept)] = 0
        check_shard_finite(shard, activations[writer.site], writer.site)
    for writer in writers:
        writer.append(activations[writer.site], shard, kept)
