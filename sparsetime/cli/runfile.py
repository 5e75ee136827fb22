"""The run file: one YAML file with a section for each command, and what each section may hold.

docs/command-line.md shows one in full. A flag is a key of its section; `--set` reaches all keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field

from sparsetime.config import Settings
from sparsetime.errors import ConfigError, DataError
from sparsetime.training.config import TrainConfig

if TYPE_CHECKING:
    from sparsetime.activations.documents import Document
    from sparsetime.activations.store import Store

SERIES = ".npy"


class CaptureSection(Settings):
    """What `sparsetime capture` runs and where it writes."""

    model: str
    data: list[str] = Field(min_length=1)
    site: str | list[str]
    out: str
    window: int | None = Field(default=None, gt=0)
    overlap: int = Field(default=0, ge=0)
    batch: int | None = Field(default=None, gt=0)
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    on_bad: Literal["refuse", "skip"] = "refuse"
    force: bool = False

    def documents(self) -> Iterable[Document]:
        """The documents of every file: text files as texts, `.npy` files as series.

        A series is an array [time, features] or [time]; its id is its file name.
        """
        paths = list(_files(self.data))
        series = [path for path in paths if path.suffix == SERIES]
        texts = [path for path in paths if path.suffix != SERIES]
        if series and texts:
            raise ConfigError(
                f"the data mix texts ({texts[0]}) and series ({series[0]}): one model reads one "
                "kind; capture them into two folders."
            )
        if series:
            return [_series(path) for path in series]
        from sparsetime.activations.documents import read_texts

        return read_texts(texts, on_bad=self.on_bad)


class StoreView(Settings):
    """A store, split by document: a dictionary learns on one part and is measured on the other."""

    store: str
    held_out: float = Field(default=0.1, ge=0, lt=1)
    split_seed: int = 0

    def parts(self) -> tuple[Store, Store]:
        """The training part and the held-out part; both are the whole where nothing is held out."""
        from sparsetime.activations.store import open_store

        whole = open_store(self.store)
        if self.held_out == 0:
            return whole, whole
        return whole.split(held_out=self.held_out, seed=self.split_seed)


class DictionarySection(Settings):
    """A recipe by name; the other keys are the recipe's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    recipe: str

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe's own settings, as given."""
        return dict(self.model_extra or {})


class TrainSection(StoreView, TrainConfig):
    """What `sparsetime train` learns from, what it builds, and how long it learns."""

    dictionary: DictionarySection
    out: str
    force: bool = False

    def training(self) -> dict[str, Any]:
        """The settings of the training loop itself."""
        return {name: getattr(self, name) for name in TrainConfig.model_fields}


class EvaluateSection(StoreView):
    """Which dictionary `sparsetime evaluate` measures, on which documents."""

    dictionary: str
    metrics: list[str] | None = None
    out: str | None = None


class IndexSection(Settings):
    """Which dictionary `sparsetime index` indexes, on which store."""

    dictionary: str
    store: str
    out: str | None = None
    force: bool = False


def _files(patterns: Iterable[str]) -> Iterator[Path]:
    """Files of each pattern in order: a file, a folder's .txt, .md and .npy files, or a glob."""
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix in (".txt", ".md", SERIES))
        else:
            found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not found:
            what = "a folder without .txt, .md or .npy files" if path.is_dir() else "no file"
            raise DataError(f"the data {pattern!r} is {what}; give a file, a folder or a glob.")
        yield from found


def _series(path: Path) -> Document:
    import numpy as np
    import torch

    from sparsetime.activations.documents import Document

    try:
        values = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise DataError(f"{path} is not a NumPy array file: {error}") from error
    if values.ndim not in (1, 2):
        raise DataError(
            f"{path} holds an array of shape {list(values.shape)}; a series is [time, features]."
        )
    columns = values.reshape(len(values), -1).astype("float32")
    return Document(id=path.stem, values=torch.from_numpy(columns), unit="step", source=str(path))
