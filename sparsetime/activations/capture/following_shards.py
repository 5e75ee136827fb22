"""Shards of sites of one rate that are filled from the passes of sites of another rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

from torch import Tensor

from sparsetime.activations.capture.capture_sites import SitesCapture
from sparsetime.activations.capture.input_windows import InputWindow, Shard
from sparsetime.activations.store.site_writer import SiteWriter

#: What the model reads at once, by whatever rate: number of the document, first and last step.
_Place = tuple[int, int, int]
#: A shard to be written, the writers that lack it, and its activations by site.
_Filled = tuple[list[SiteWriter], Shard, dict[str, Tensor]]


@final
@dataclass(eq=False)
class _OpenShard:
    """A shard that is being filled. left: windows without rows so far, with their first row."""

    shard: Shard
    lacking: list[SiteWriter]
    left: dict[_Place, tuple[InputWindow, int]]
    stored: dict[str, Tensor] = field(default_factory=dict)
    end: tuple[int, int] = (0, 0)


@final
class FollowingShards:
    """Shards of the sites of one rate, in the order of the documents.

    Windows that the other rate does not read at once, as it may cut documents elsewhere, are run
    again, once it is behind them.
    """

    def __init__(self, capture: SitesCapture) -> None:
        self._capture, self.exclusion = capture, capture.exclusion
        self._planned = enumerate(capture.shards)
        self._open: deque[_OpenShard] = deque()
        self._reached = (-1, -1)

    def plan(self, windows: Sequence[InputWindow]) -> bool:
        """Plan the shards up to these windows; returns whether one that is lacked holds any."""
        last = _begin(windows[-1])
        while self._reached < last and (planned := next(self._planned, None)) is not None:
            self._reached = self._begin_shard(*planned)
        places = {_place(window) for window in windows}
        return any(one.lacking and not places.isdisjoint(one.left) for one in self._open)

    def take(self, windows: Sequence[InputWindow], values: Mapping[str, Tensor]) -> None:
        """Take the rows of a batch that the other rate has run. Errors: those of `check_rows`."""
        passes = self._capture.passes
        passes.check_rows(windows, values)
        for one in self._open:
            found = [i for i, window in enumerate(windows) if _place(window) in one.left]
            if found and one.lacking:
                batch = [one.left.pop(_place(windows[i])) for i in found]
                own = {name: values[name][found] for name in self._capture.names}
                passes.store(one.stored, one.shard.rows, batch, own)

    def behind(self, windows: Sequence[InputWindow]) -> Iterator[_Filled]:
        """The shards that end with these windows or before them, filled."""
        last = _begin(windows[-1])
        while self._open and self._open[0].end <= last:
            yield from self._filled(self._open.popleft())

    def rest(self) -> Iterator[_Filled]:
        """All further shards, filled."""
        while self._open:
            yield from self._filled(self._open.popleft())
        for planned in self._planned:
            self._begin_shard(*planned)
            yield from self._filled(self._open.popleft())

    def _begin_shard(self, number: int, shard: Shard) -> tuple[int, int]:
        rows = 0
        left: dict[_Place, tuple[InputWindow, int]] = {}
        for window in shard.windows:
            left[_place(window)] = (window, rows)
            rows += window.rows
        end = _begin(shard.windows[-1])
        lacking = self._capture.lacking(number, shard)
        self._open.append(_OpenShard(shard, lacking, left, end=end))
        return end

    def _filled(self, one: _OpenShard) -> Iterator[_Filled]:
        if not one.lacking:
            return
        if one.left:
            passes, again = self._capture.passes, list(one.left.values())
            shard = Shard(tuple(window for window, _ in again))
            own = passes.run(shard)
            first = 0
            for window, place in again:
                for name, rows in own.items():
                    whole = one.stored.setdefault(
                        name, rows.new_empty(one.shard.rows, rows.shape[1])
                    )
                    whole[place : place + window.rows] = rows[first : first + window.rows]
                first += window.rows
        yield one.lacking, one.shard, one.stored


def _begin(window: InputWindow) -> tuple[int, int]:
    return window.prepared.number, window.input_start


def _place(window: InputWindow) -> _Place:
    return window.prepared.number, window.input_start, window.input_stop
