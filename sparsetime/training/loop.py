"""The training loop: one pass over batches, for one trainable or several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from sparsetime.activations.sampling.prefetch import prefetched
from sparsetime.errors import DataError
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.progress import Bar, progress
from sparsetime.torch_settings import with_gradients
from sparsetime.training.job import Job

B = TypeVar("B")

#: A function of the folder of a run and a line of its metrics: step, rows, losses, fvu, …
OnLog: TypeAlias = Callable[[str, Mapping[str, Any]], None]


def first_step(jobs: Sequence[Job[B]]) -> int:
    """The earliest next step of the unfinished jobs: how many batches to skip; 0 without any."""
    return min((job.next_step for job in jobs if not job.finished), default=0)


def run_jobs(
    jobs: Sequence[Job[B]],
    batches: Iterator[B],
    show: bool,
    unit: str = "rows",
    on_log: OnLog | None = None,
) -> None:
    """Train all unfinished jobs to the end, each from its next step, on the same batches.

    jobs: of one plan. batches: those of step `first_step(jobs)` and after; a thread prepares them
    while a step runs. show: a progress bar, in `unit`, of which a plan has `rows_per_step` a step.
    on_log: called with the folder of a run and each line of its metrics.

    Every job ends with the same bits as if it were trained alone and had not been interrupted. A
    job that is ahead of the others, because it wrote a later checkpoint, leaves out their steps.

    Errors: DataError where the batches end before the last step, or a loss is not finite.
    """
    due = [job for job in jobs if not job.finished]
    if not due:
        return
    keep_freed_memory()
    plan, first = due[0].plan, first_step(due)
    title = f"train {', '.join(job.trainable.name for job in due)}"
    began, done = time.monotonic(), first
    with (
        with_gradients(),
        prefetched(batches) as ready,
        progress(title, plan.steps * plan.rows_per_step, unit, show) as bar,
    ):
        bar.advance(first * plan.rows_per_step)
        for number, batch in zip(range(first, plan.steps), ready, strict=False):
            if number == 0:
                for job in due:
                    if job.next_step == 0:
                        job.trainable.initialise(batch)
            at_this_step = [job for job in due if job.next_step == number]
            lines = [job.train_step(batch, number, began) for job in at_this_step]
            _show(bar, at_this_step, lines)
            for job, line in zip(at_this_step, lines, strict=True):
                if on_log is not None and line is not None:
                    on_log(job.folder.url, line)
            bar.advance(plan.rows_per_step)
            done = number + 1
    if done == 0:
        raise DataError("the source gave no batches; is it empty?")
    if done < plan.steps:
        raise DataError(
            f"the batches ended after step {done} of {plan.steps}; give more of them, from the "
            f"first on, or train on these alone with {unit}={done * plan.rows_per_step} and "
            "force=True, which replaces the unfinished run"
        )
    for job in due:
        job.finish()


def _show(bar: Bar, jobs: Sequence[Job[B]], lines: Sequence[dict[str, Any] | None]) -> None:
    values: dict[str, list[str]] = {}
    for job, line in zip(jobs, lines, strict=True):
        if line is not None:
            name = job.trainable.headline
            values.setdefault(name, []).append(f"{line[name]:.3f}")
    if values:
        bar.say(", ".join(f"{name} {' '.join(numbers)}" for name, numbers in values.items()))
