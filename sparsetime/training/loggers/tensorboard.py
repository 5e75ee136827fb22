"""Training metrics as TensorBoard scalars."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, final

from sparsetime.files.folder_url import folder_url
from sparsetime.training.loggers.training_logger import (
    TrainingLogger,
    not_installed,
    run_name,
)


@final
class TensorBoardLogger(TrainingLogger):
    """Writes each number of a line as a scalar, by training step, for `tensorboard --logdir`.

    folder: where the event files go, in a folder named as the run's path; None: `tensorboard` in
    each run's folder. Where a run resumes, its earlier scalars are dropped from that step on.

    Errors: ConfigError where tensorboard is not installed (`sparsetime[tensorboard]`).
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if find_spec("tensorboard") is None:
            raise not_installed("tensorboard", "tensorboard")
        self._folder = None if folder is None else folder_url(folder, "folder")
        self._writers: dict[str, Any] = {}

    def __call__(self, folder: str, line: Mapping[str, Any]) -> None:
        writer = self._writers.get(folder)
        if writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # Steps after the last checkpoint are trained again; TensorBoard drops the first ones.
            writer = SummaryWriter(self._place(folder), purge_step=line["step"])
            self._writers[folder] = writer
        for name, value in line.items():
            if name != "step" and isinstance(value, int | float):
                writer.add_scalar(name, value, line["step"])
        writer.flush()

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _place(self, folder: str) -> str:
        if self._folder is None:
            return f"{folder}/tensorboard"
        return f"{self._folder}/{run_name(folder)}"
