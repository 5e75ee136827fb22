"""save_scores: results of single metrics beside an index, which the explorer shows together."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder, locks
from sparsetime.statistics.estimate import Estimate
from sparsetime.statistics.linear_probe import ProbeResult

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary

FOLDER, VERSION = "scores", 1
_NAME = re.compile(r"\w[\w .-]*")


@locks("out")
def save_scores(out: str | Path, name: str, scores: Any, dictionary: Dictionary) -> None:
    """Write `scores/<name>.json` into a folder, such as that of an index.

    What `st.evaluate` does not compute, since it needs more than a store, is kept with it: the
    explorer's view Evaluation shows both.

    name: of the section, such as "absorption". scores: an `Estimate`, a number, a mapping of names
    to these, or a result of `st.metrics` (`Absorption`, `ContrastiveScores`, `ProbeReport`,
    `SensePairScores`, ...), whose estimates and numbers are taken.

    Errors: ConfigError for a name that is no plain text; DataError for scores without a number;
    StoreError where another process writes to `out`.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"got the name {name!r}, expected letters, digits, spaces, dots and hyphens; choose "
            "another"
        )
    listed = [{"name": own or name, **_record(value)} for own, value in _numbers(scores)]
    if not listed:
        raise DataError(
            f"got {type(scores).__name__} as scores, which holds no estimate and no number; give a "
            "result of st.metrics, an Estimate, a number, or a mapping of names to these"
        )
    where = Folder(str(out)) / FOLDER
    where.make()
    record = {
        "schema_version": VERSION,
        "name": name,
        "dictionary": dictionary_hash(dictionary),
        "scores": listed,
    }
    where.write_json(f"{name}.json", record)


def _numbers(scores: Any) -> Iterator[tuple[str, Estimate]]:
    """Estimates with their names; "" for one without."""
    own = _estimate(scores)
    if own is not None:
        yield "", own
    elif isinstance(scores, Mapping):
        for name, value in scores.items():
            if (one := _estimate(value)) is not None:
                yield str(name).replace("_", " "), one
    elif dataclasses.is_dataclass(scores) and not isinstance(scores, type):
        for field in dataclasses.fields(scores):
            for name, one in _numbers(getattr(scores, field.name)):
                yield name or field.name.replace("_", " "), one


def _estimate(value: Any) -> Estimate | None:
    if isinstance(value, Estimate):
        return value
    if isinstance(value, ProbeResult):
        null_is = "the accuracy of the most frequent class"
        return Estimate(value.accuracy, value.interval, value.baseline, null_is)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Estimate(float(value))
    return None


def _record(one: Estimate) -> dict[str, Any]:
    def finite(number: float) -> float | None:
        return number if math.isfinite(number) else None

    return {
        "value": finite(one.value),
        "interval": None if one.interval is None else [finite(end) for end in one.interval],
        "null": finite(one.null),
        "null_is": one.null_is,
    }
