"""A report: figures by name, and those that could not be given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.metrics.metric import MetricValue

SCHEMA_VERSION = 1
RECORD = "evaluation.json"


@final
@dataclass(frozen=True)
class EvaluationReport(Mapping[str, MetricValue]):
    """Figures by name (`fvu`, `fvu/high` of a T-SAE, …), in the order in which they were taken.

    left_out: why a figure is missing, by its name. about: dictionary, model, site, steps, and the
    share of them seen in training (None where nobody knows). subject: SHA-256 of the dictionary's
    weights, of the store, and of the choice of its sequences.
    """

    figures: dict[str, MetricValue]
    left_out: dict[str, str] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    subject: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> MetricValue:
        if name in self.left_out:
            raise KeyError(f"{name} is left out: {self.left_out[name]}")
        return self.figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)

    def __contains__(self, name: object) -> bool:
        return name in self.figures

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and finite numbers."""
        value = {
            "schema_version": SCHEMA_VERSION,
            "about": self.about,
            "subject": self.subject,
            "figures": {name: asdict(figure) for name, figure in self.figures.items()},
            "left_out": self.left_out,
        }
        plain: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
        return plain

    def save(self, folder: str | Path) -> None:
        """Write `evaluation.json` into a folder or URL, whole or not at all."""
        Folder(str(folder)).write_json(RECORD, self.to_json())

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
        value = where.read_json(RECORD)
        if not isinstance(value, dict) or not {"schema_version", "figures"} <= value.keys():
            raise DamagedError(f"{where.url}/{RECORD} is not an evaluation report")
        if value["schema_version"] != SCHEMA_VERSION:
            raise StoreError(
                f"{where.url}/{RECORD} has the schema {value['schema_version']}; this sparsetime "
                f"reads {SCHEMA_VERSION}"
            )
        try:
            figures = {name: MetricValue(**figure) for name, figure in value["figures"].items()}
            return EvaluationReport(figures, value["left_out"], value["about"], value["subject"])
        except (KeyError, TypeError, AttributeError) as error:
            raise DamagedError(
                f"{where.url}/{RECORD} is not an evaluation report: {error}"
            ) from None
