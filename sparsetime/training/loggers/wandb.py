"""Training metrics as runs of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, final

from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.training.loggers.training_logger import (
    TrainingLogger,
    not_installed,
    run_name,
)
from sparsetime.training.run_folder import SETTINGS_VERSION
from sparsetime.training.snapshots import SETTINGS


@final
class WandbLogger(TrainingLogger):
    """Logs each line to a run of Weights & Biases, one for each run's folder.

    The run is named as the folder's path, its config has the settings of the training, and its
    axis is the training step. A training that resumes begins another run where it resumes, unless
    `id=` and `resume="allow"` name one.

    settings: of `wandb.init`, such as project, entity, mode="offline"; `name`, `config` and
    `reinit` are set here.

    Errors: ConfigError where wandb is not installed (`sparsetime[wandb]`), and for a setting that
    is set here.
    """

    def __init__(self, **settings: Any) -> None:
        if find_spec("wandb") is None:
            raise not_installed("wandb", "wandb")
        taken = sorted({"name", "config", "reinit"} & set(settings))
        if taken:
            raise ConfigError(
                f"got {', '.join(taken)} for Weights & Biases, which the logger sets from the "
                "run's folder; leave them out, or give group=, tags= or notes="
            )
        self._settings = settings
        self._runs: dict[str, Any] = {}

    def __call__(self, folder: str, line: Mapping[str, Any]) -> None:
        run = self._runs.get(folder)
        if run is None:
            run = self._runs[folder] = self._begin(folder)
        run.log(dict(line))

    def close(self) -> None:
        for run in self._runs.values():
            run.finish()
        self._runs.clear()

    def _begin(self, folder: str) -> Any:
        import wandb

        run = wandb.init(
            name=run_name(folder),
            config=Folder(folder).read_json(SETTINGS, SETTINGS_VERSION),
            reinit="create_new",  # several dictionaries of one training are runs side by side
            **self._settings,
        )
        # Our steps are the axis: those of wandb count calls, and refuse to go back.
        run.define_metric("step")
        run.define_metric("*", step_metric="step")
        return run
