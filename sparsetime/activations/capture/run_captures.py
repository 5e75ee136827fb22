"""Runs of a model that write the stores of sites: of one rate, or of several in the same passes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import final

import torch
from torch import Tensor

from sparsetime.activations.capture.capture_progress import CaptureProgress
from sparsetime.activations.capture.capture_sites import SitesCapture
from sparsetime.activations.capture.check_finite import check_shard_finite
from sparsetime.activations.capture.following_shards import FollowingShards
from sparsetime.activations.capture.input_windows import InputWindow, Shard
from sparsetime.activations.capture.left_out_steps import kept_of_plan
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.site_writer import SiteWriter
from sparsetime.activations.store.store import Store
from sparsetime.models.row_clock import RowClock
from sparsetime.progress import progress

_DECODER = "decoder"


def run_captures(captures: list[SitesCapture], show: bool) -> list[Store]:
    """Run the model over what the stores lack; returns the finished stores, one a site.

    Sites of several rates are captured in the same passes: the rate with the most rows leads, and
    the others take the windows that its passes read. Sites of a decoder, which reads tokens of its
    own, are captured apart.
    """
    decoders = [one for one in captures if one.passes.clock.follows == _DECODER]
    together = [one for one in captures if one not in decoders]
    stores: dict[int, list[Store]] = {}
    for group in [together, *([one] for one in decoders)]:
        if group:
            _write(group, show)
            stores |= {captures.index(one): one.finish() for one in group}
    # Of all rates: a recording may be too short for a row of one of them alone.
    if empty := list(dict.fromkeys(name for one in captures for name in one.passes.empty)):
        warnings.warn(
            f"{len(empty)} documents have no steps and were left out; the first of them is "
            f"{empty[0]!r}",
            stacklevel=4,
        )
    return [store for number in sorted(stores) for store in stores[number]]


def _write(captures: list[SitesCapture], show: bool) -> None:
    """Run every shard of the leading rate of which any store lacks something."""
    leader, *others = sorted(captures, key=lambda one: -_rows_a_step(one.passes.clock))
    if others:
        leader.passes.record_with([one.passes for one in others])
    following = [FollowingShards(one) for one in others]

    def take(windows: list[InputWindow], values: dict[str, Tensor]) -> None:
        for one in following:
            one.take(windows, values)

    names = ", ".join(name for one in captures for name in one.names)
    total, title = leader.data.total, f"capture {names}"
    with (
        progress(title, total.total, total.unit, show) as bar,
        ThreadPoolExecutor(1, "sparsetime-writer") as background,
    ):
        writing = _Writing(background)
        bar_of_rows = CaptureProgress(bar, total)
        for number, shard in enumerate(leader.shards):
            lacking = leader.lacking(number, shard)
            wanted = [one.plan(shard.windows) for one in following]
            if not (lacking or any(wanted)):
                bar_of_rows.skip(shard)
            else:
                activations = leader.passes.run(shard, bar_of_rows.advance, take)
                if lacking:
                    writing.append(lacking, shard, activations, leader.exclusion)
                del activations
            for one in following:
                writing.append_all(one.behind(shard.windows), one.exclusion)
        for one in following:
            writing.append_all(one.rest(), one.exclusion)
        writing.wait()


def _rows_a_step(clock: RowClock) -> float:
    return 0.0 if clock.follows == "sequence" else clock.rows_a_time / clock.step


@final
class _Writing:
    """Writes one shard while the next one is run, so that memory holds at most two of a rate."""

    def __init__(self, background: ThreadPoolExecutor) -> None:
        self._background = background
        self._pending: Future[None] | None = None

    def append(
        self,
        writers: list[SiteWriter],
        shard: Shard,
        activations: dict[str, Tensor],
        exclusion: StepExclusion,
    ) -> None:
        """Write a shard once the one before is written, whose errors are raised here."""
        self.wait()
        self._pending = self._background.submit(_append, writers, shard, activations, exclusion)

    def append_all(
        self,
        shards: Iterable[tuple[list[SiteWriter], Shard, dict[str, Tensor]]],
        exclusion: StepExclusion,
    ) -> None:
        """Write several shards, one after another."""
        for writers, shard, activations in shards:
            self.append(writers, shard, activations, exclusion)

    def wait(self) -> None:
        """Until all is written."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None


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
