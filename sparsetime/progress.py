"""Progress bars: the stage of work, units done, rate and remaining time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")
_SECONDS_BETWEEN_LINES = 10.0


class Bar:
    """The handle of a running bar."""

    def __init__(self, total: float | None) -> None:
        self.done = 0.0
        self.total = total
        self.note = ""

    def advance(self, amount: float = 1) -> None:
        self.done += amount

    def say(self, note: str) -> None:
        """Show a short note behind the bar, for example the current loss."""
        self.note = note


class _TerminalBar(Bar):
    def __init__(self, progress: Progress, what: str, total: float | None, unit: str) -> None:
        super().__init__(total)
        self._progress = progress
        self._task = progress.add_task(what, total=total, unit=unit, note="")

    def advance(self, amount: float = 1) -> None:
        super().advance(amount)
        self._progress.update(self._task, advance=amount)

    def say(self, note: str) -> None:
        super().say(note)
        self._progress.update(self._task, note=note)


class _LogBar(Bar):
    """Progress without a terminal: a line at intervals, and one at the end."""

    def __init__(self, what: str, total: float | None, unit: str) -> None:
        super().__init__(total)
        self._what, self._unit = what, unit
        self._began = self._last = time.monotonic()
        # Time and units of the first progress; earlier time was warm-up, or resuming.
        self._first: tuple[float, float] | None = None

    def advance(self, amount: float = 1) -> None:
        super().advance(amount)
        now = time.monotonic()
        if self._first is None and amount:
            self._first = (now, self.done)
        if now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            self.print()

    def print(self) -> None:
        now = time.monotonic()
        far = f"{self.done:,.0f}" + (f" of {self.total:,.0f}" if self.total else "")
        note = f", {self.note}" if self.note else ""
        line = f"{self._what}: {far} {self._unit}, {now - self._began:.0f} s{self._left(now)}{note}"
        print(line, file=sys.stderr, flush=True)

    def _left(self, now: float) -> str:
        """Remaining time at the rate since the first progress; empty before a rate is known."""
        if not self.total or self.done >= self.total or self._first is None:
            return ""
        then, done = self._first
        if self.done <= done:
            return ""
        return f", {(now - then) * (self.total - self.done) / (self.done - done):.0f} s left"


@contextmanager
def progress(
    what: str, total: float | None = None, unit: str = "", show: bool = True
) -> Iterator[Bar]:
    """A bar for one stage of work, on standard error.

    `what` says what is being done ("capture encoder.layer.3"), `total` how many `unit`s there
    are (None where nobody knows). A terminal gets a live bar; a log gets a line every ten seconds.
    """
    if not show:
        yield Bar(total)
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        bar = _LogBar(what, total, unit)
        yield bar
        bar.print()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as live:
        yield _TerminalBar(live, what, total, unit)


def track(
    items: Iterable[T], what: str, total: float | None = None, unit: str = "", show: bool = True
) -> Iterator[T]:
    """Iterate with a bar."""
    with progress(what, total, unit, show) as bar:
        for item in items:
            yield item
            bar.advance()
