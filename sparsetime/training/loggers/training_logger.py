"""The interface of loggers: a call for each line of a run's metrics, and an end."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sparsetime.errors import ConfigError


class TrainingLogger(ABC):
    """Base class of loggers for `st.train(..., on_log=logger)`; any function of both works too.

    Use it in a `with` block, which closes it, also where training fails.
    """

    @abstractmethod
    def __call__(self, folder: str, line: Mapping[str, Any]) -> None:
        """Log a line of metrics.jsonl: step, rows, losses, fvu and so on. folder: of the run."""

    @abstractmethod
    def close(self) -> None:
        """Write what waits."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def run_name(folder: str) -> str:
    """The name of a run in a logger: its path, below the working folder where it is there."""
    if "://" in folder:
        return folder.partition("://")[2].strip("/")
    path = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve() would follow links)
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix().lstrip("/")


def not_installed(package: str, extra: str) -> ConfigError:
    """The error for a logger whose package is missing."""
    return ConfigError(
        f"got a logger that needs the package {package}, and it is not installed; install it with "
        f'pip install "sparsetime[{extra}]"'
    )
