"""One trainable in its run folder: its next step, log lines, snapshots and checkpoints."""

from __future__ import annotations

import time
from typing import Any, Generic, TypeVar, final

from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder
from sparsetime.training.trainable import Trainable

B = TypeVar("B")


@final
class Job(Generic[B]):
    """A trainable, the folder of its run, and the number of its next step.

    settings: what decides the outcome of the run, as JSON; a folder with others is refused.

    A finished run is loaded; an interrupted one stands at its last checkpoint.

    Errors: StoreError where the folder holds another run; DamagedError where its checkpoint does
    not read.
    """

    def __init__(
        self,
        trainable: Trainable[B],
        folder: RunFolder,
        settings: dict[str, Any],
        plan: RunPlan,
    ) -> None:
        self.trainable = trainable
        self.plan = plan
        self.folder = folder
        self.settings = settings
        folder.check_same_settings(settings)
        self.finished = folder.is_finished
        self.next_step = 0
        self._seconds_before = 0.0
        if self.finished:
            trainable.load(folder.url)
            return
        checkpoint = folder.checkpoint(trainable.latent_tensors)
        if checkpoint is not None:
            self.next_step = int(checkpoint.pop("next_step"))
            trainable.restore(checkpoint)

    def acquire(self) -> None:
        """Start writing to the folder; log lines and snapshots after the checkpoint are removed."""
        if self.finished:
            return
        self.folder.acquire(self.settings)
        self._seconds_before = self.folder.resume(self.next_step)

    def train_step(self, batch: B, number: int, began: float) -> dict[str, Any] | None:
        """Train on one batch as step `number`, from 0; the log line where one is due.

        began: `time.monotonic()` at the start of this session; lines count the seconds of all.
        """
        self.trainable.step(batch, number)
        self.next_step = done = number + 1
        line = None
        if self.plan.logs_after(done):
            line = {
                "step": done,
                "rows": done * self.plan.rows_per_step,
                "seconds": round(self._seconds_before + time.monotonic() - began, 3),
                **self.trainable.metrics(),
            }
            self.folder.log(line)
        # The snapshot comes before the checkpoint: a process that is killed in between repeats the
        # step and writes the snapshot again. The other way round it would be missing for good.
        if done in self.plan.snapshot_steps:
            self.trainable.save(self.folder.snapshot(done))
        if done % self.plan.checkpoint_every == 0:
            self.folder.write_checkpoint(
                self.trainable.state(), done, self.trainable.latent_tensors
            )
        return line

    def finish(self) -> None:
        """Write the trained weights, which marks the run as finished, and drop the checkpoint."""
        self.trainable.save(self.folder.url)
        self.folder.remove_checkpoint()
        self.finished = True
