"""EvaluationReport: metric values by name, and the reasons of those that are left out."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from sparsetime.errors import DamagedError, SparsetimeError, StoreError
from sparsetime.files import Folder
from sparsetime.metrics.metric import MetricValue

SCHEMA_VERSION = 2
_VALUES = {1: "figures", 2: "metrics"}  # the key of the values, by schema version
RECORD = "evaluation.json"


@final
@dataclass(frozen=True)
class EvaluationReport(Mapping[str, MetricValue]):
    """Metric values by name (`fvu`, `fvu/high` of a T-SAE, …), in the order of computation.

    left_out: the reason of each metric without a value. about: dictionary, model, site, steps, and
    the share of them seen in training (None where that is not recorded). subject: SHA-256 of the
    dictionary's weights, of the store, and of the choice of its sequences. groups: the metrics of
    the sequences with each value of the label `about["by"]`.
    """

    metrics: dict[str, MetricValue]
    left_out: dict[str, str] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    subject: dict[str, str] = field(default_factory=dict)
    groups: dict[str, dict[str, MetricValue]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> MetricValue:
        if name in self.left_out:
            raise KeyError(f"{name} is left out: {self.left_out[name]}")
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __contains__(self, name: object) -> bool:
        return name in self.metrics

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and finite numbers."""
        record = {
            "schema_version": SCHEMA_VERSION,
            "about": self.about,
            "subject": self.subject,
            _VALUES[SCHEMA_VERSION]: {name: asdict(value) for name, value in self.metrics.items()},
            "left_out": self.left_out,
        }
        if self.groups:
            record["groups"] = {
                group: {name: asdict(value) for name, value in values.items()}
                for group, values in self.groups.items()
            }
        plain: dict[str, Any] = json.loads(json.dumps(record, allow_nan=False))
        return plain

    def save(self, folder: str | Path) -> None:
        """Write `evaluation.json` into a folder or URL, whole or not at all."""
        Folder(str(folder)).write_json(RECORD, self.to_json(), SCHEMA_VERSION)

    @staticmethod
    def load(folder: str | Path) -> EvaluationReport:
        """Read what `save` wrote.

        Errors: StoreError where there is none or one of another version; DamagedError where it
        does not read as a report.
        """
        where = Folder(str(folder))
        if not where.exists(RECORD):
            raise StoreError(
                f"{where.url} holds no {RECORD}; sparsetime.evaluate(…, out=…) writes one"
            )
        record = where.read_json(RECORD, again="Evaluate again with sparsetime.evaluate")
        if not isinstance(record, dict) or "schema_version" not in record:
            raise DamagedError(f"{where.url}/{RECORD} is not an evaluation report")
        version = record["schema_version"]
        if version not in _VALUES:
            raise StoreError(
                f"{where.url}/{RECORD} has the schema {version}; this sparsetime reads "
                f"{' and '.join(map(str, _VALUES))}"
            )
        try:
            values = record[_VALUES[version]].items()
            metrics = {name: MetricValue(**value) for name, value in values}
            others = {name: record[name] for name in ("left_out", "about", "subject")}
            if wrong := [name for name, value in others.items() if not isinstance(value, dict)]:
                raise TypeError(f"got {', '.join(wrong)} that are no JSON objects")
            groups = {
                group: {name: MetricValue(**value) for name, value in own.items()}
                for group, own in record.get("groups", {}).items()
            }
            return EvaluationReport(metrics, **others, groups=groups)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DamagedError(
                f"{where.url}/{RECORD} is not an evaluation report: {error}"
            ) from None


def reason_left_out(what: str, error: Exception) -> str:
    """Why something is left out. An error that is not about the data is a fault: a warning too."""
    if isinstance(error, SparsetimeError):
        return str(error)
    reason = f"it failed with {type(error).__name__}: {error}"
    warnings.warn(f"{what} is left out: {reason}. Please report this", stacklevel=4)
    return reason
