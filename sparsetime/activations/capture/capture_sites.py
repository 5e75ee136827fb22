"""Sites of one rate that are to be captured: their passes, plan and folders, which are checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import final

from sparsetime.activations.capture.activation_settings import ActivationSettings, capture_record
from sparsetime.activations.capture.capture_data import CaptureData, OpenedData
from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.input_windows import Shard
from sparsetime.activations.capture.left_out_steps import kept_of_plan
from sparsetime.activations.capture.row_settings import FoundRows, SeveralRatesError
from sparsetime.activations.store.manifest import ROWS
from sparsetime.activations.store.site_writer import SiteWriter
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel


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
                f"got {error.shown}, for each of which data are read, and data that can be read "
                "once; give a list, files or a data set in place of an iterator, or "
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
        self.passes, self.shards = passes, chain([first], planned)
        self.data, self.exclusion = data, settings.exclusion

    def lacking(self, number: int, shard: Shard) -> list[SiteWriter]:
        """Writers whose store has not this shard yet. Errors: those of `SiteWriter.needs`."""
        return [writer for writer in self._writers if writer.needs(number, shard)]

    def finish(self) -> list[Store]:
        """The finished stores, one a site, with labels and events."""
        stores = [writer.finish() for writer in self._writers]
        self.data.annotations.write(stores)
        return stores
