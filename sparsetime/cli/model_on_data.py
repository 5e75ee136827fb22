"""The keys that name a model and the files that it reads, shared by sections of the run file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from sparsetime.cli.input_files import JSON_LINES, data_files, json_lines
from sparsetime.config import Settings
from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.activations.capture.document import Document


class ModelOnData(Settings):
    """A model, and files for it to read.

    `model` is a folder, a name, or a function that makes one (see `named_model`). `start`, `step`
    and `unit` say when the steps of arrays are; recordings of other formats say it themselves.
    `read` holds options of the reader of the files, such as `channels` of EDF files.
    """

    model: str
    data: list[str] = Field(min_length=1)
    start: float = 0.0
    step: float = Field(default=1.0, gt=0)
    unit: str = "step"
    read: dict[str, Any] = Field(default_factory=dict)
    on_bad: Literal["refuse", "skip"] = "refuse"

    def documents(self, mixed_rates: bool = False) -> Iterable[Document]:
        """The documents of every file; see `documents_of`."""
        timed = sorted({"start", "step", "unit"} & self.model_fields_set)
        times = {name: getattr(self, name) for name in timed}
        return documents_of(self.data, self.read, times, mixed_rates, self.on_bad)


def documents_of(
    data: Sequence[str],
    read: Mapping[str, Any],
    times: Mapping[str, Any] | None = None,
    mixed_rates: bool = False,
    on_bad: Literal["refuse", "skip"] = "refuse",
) -> Iterable[Document]:
    """The documents of files: texts, `.jsonl` files of texts, or recordings.

    read: options of the reader of recordings. times: "start", "step" and "unit" of their steps. A
    recording's id is its file name; see `sparsetime.read`.
    """
    from sparsetime.activations.readers.reader import reader_of
    from sparsetime.activations.readers.recordings import read as recordings_of_files

    paths = list(data_files(data))
    recordings = [path for path in paths if reader_of(path)]
    texts = [path for path in paths if not reader_of(path)]
    if recordings and texts:
        raise ConfigError(
            f"the data mix texts ({texts[0]}) and recordings ({recordings[0]}): one model "
            "reads one kind; capture them into two folders."
        )
    if recordings:
        return recordings_of_files(recordings, mixed_rates=mixed_rates, **{**(times or {}), **read})
    if times or read:
        raise ConfigError(
            f"{' and '.join([*(times or ()), *read])} say when the steps of recordings are and "
            "how they are read, and the data are texts, whose steps are tokens; leave them out."
        )
    from sparsetime.activations.capture.text_files import read_texts

    lines = [path for path in texts if path.suffix == JSON_LINES]
    if lines and len(lines) < len(texts):
        other = next(path for path in texts if path.suffix != JSON_LINES)
        raise ConfigError(
            f"the data mix files of one text ({other}) and of many ({lines[0]}); capture them "
            "into two folders."
        )
    if lines:
        return list(json_lines(lines))
    return read_texts(texts, on_bad=on_bad)
