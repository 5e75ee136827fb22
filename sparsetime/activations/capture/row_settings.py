"""Settings of sites at another rate than their input, and what was found of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

from sparsetime.errors import ConfigError
from sparsetime.models.input_layout import AS_GIVEN, check_layout
from sparsetime.models.row_clock import RowClock
from sparsetime.models.row_layout import FeatureMap, RowLayout

_MAPS = ("flatten", "pool", "features")


@final
@dataclass(frozen=True)
class RowSettings:
    """What a user gives of the rows of a site; None for what is found from shapes.

    rate: time rows per unit of time. offset: the time at which the first row begins. feature_map:
    what is done with places. input_layout: the axes of the model's input.
    """

    rate: float | None = None
    offset: float | None = None
    feature_map: FeatureMap | None = None
    input_layout: str | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise ConfigError(f"got rate={self.rate}, expected rows a unit of time, above 0")
        if self.offset is not None and not math.isfinite(self.offset):
            raise ConfigError(f"got offset={self.offset}, expected a time")
        if self.feature_map not in (None, *_MAPS):
            raise ConfigError(
                f"got feature_map={self.feature_map!r}, expected 'flatten' (a row for each place), "
                "'pool' (the mean of all places) or 'features' (all places in one row)"
            )
        check_layout(self.input_layout or AS_GIVEN)

    def __bool__(self) -> bool:
        return self != RowSettings()


@final
@dataclass(frozen=True)
class SiteRows:
    """The rows of a site: when they are, and how its tensor holds them."""

    clock: RowClock
    layout: RowLayout


@final
@dataclass(frozen=True)
class FoundRows:
    """What was found about a model and its sites: the layout of its input, the rows of each site.

    Sites without an entry have one row for every step of the input.
    """

    input_layout: str = AS_GIVEN
    sites: dict[str, SiteRows] = field(default_factory=dict)

    def clock(self, site: str) -> RowClock:
        """The clock of a site."""
        return self.sites[site].clock if site in self.sites else RowClock()

    def one_clock(self, sites: Sequence[str]) -> RowClock:
        """The clock that all sites have, since sites that run together share their windows.

        Errors: SeveralRatesError where they have several.
        """
        clocks = {name: self.clock(name) for name in sites}
        one, *others = dict.fromkeys(clocks.values())
        if others:
            raise SeveralRatesError(self, clocks)
        return one

    def of_sites(self, names: Sequence[str]) -> FoundRows:
        """What concerns some of the sites."""
        return FoundRows(
            self.input_layout, {name: self.sites[name] for name in names if name in self.sites}
        )

    def to_record(self, site: str) -> dict[str, Any]:
        """What concerns one site, as JSON values; empty where its rows are the input's steps."""
        record: dict[str, Any] = {}
        if self.input_layout != AS_GIVEN:
            record["input_layout"] = self.input_layout
        if site in self.sites:
            rows = self.sites[site]
            record |= {"clock": rows.clock.to_record(), "layout": rows.layout.to_record()}
        return record

    @staticmethod
    def of_record(record: dict[str, Any], site: str) -> FoundRows:
        """What `to_record` wrote."""
        sites = {}
        if "clock" in record:
            clock = RowClock.of_record(record["clock"])
            sites[site] = SiteRows(clock, RowLayout(**record["layout"]))
        return FoundRows(record.get("input_layout", AS_GIVEN), sites)


@final
class SeveralRatesError(ConfigError):
    """Sites with rows at several rates. groups: the sites of each rate, and what was found of them.

    shown: the sites with their rates, in words. apart: the groups, as arguments.
    """

    def __init__(self, found: FoundRows, clocks: dict[str, RowClock]) -> None:
        kinds = dict.fromkeys(clocks.values())
        names = [[name for name in clocks if clocks[name] == kind] for kind in kinds]
        self.groups = [(group, found.of_sites(group)) for group in names]
        each = "; ".join(f"{name}: {clock.summary()}" for name, clock in clocks.items())
        self.shown = f"sites with rows at several rates ({each})"
        self.apart = " and ".join(f"site={group}" for group in names)
        super().__init__(
            f"got {self.shown}, expected one, since they run together; take {self.apart} apart"
        )
