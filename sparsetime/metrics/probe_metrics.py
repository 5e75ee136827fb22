"""What a simple reader finds in the code: the document (slow) and the kind of token (fast)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from sparsetime.codes import SparseCode, concatenate
from sparsetime.metrics.metric import (
    LeftOut,
    Measured,
    Metric,
    MetricSpec,
    Outcome,
    Setting,
    latent_groups,
)
from sparsetime.statistics.linear_probe import probe, probe_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sparsetime.features.encoding import EncodedSequence

_SOURCE = (
    "linear probes: Alain and Bengio 2016, Understanding intermediate layers using linear "
    "classifier probes; slow against fast labels: Bhalla et al. 2025, Temporal sparse autoencoders"
)
_METHOD = (
    "multinomial logistic regression on the code; steps of one sequence are split by alternating "
    "blocks of time with a gap between, so training and test steps are never neighbours"
)
FAST_COLUMNS = ("kind", "token_kind")


@final
class Probes(Metric):
    """Accuracy of linear probes for a slow and a fast label.

    `slow_probe` predicts the document (the sequence) of a step, or the label named by
    `slow_label`; `fast_probe` the kind of the token: the step column named by `fast_label`, by
    default `kind` or `token_kind`. From the whole code and, where there are any, from its parts.

    The probe is a multinomial logistic regression (scikit-learn, L2, C = 0.1, columns scaled to
    unit mean square on the training steps) on the sparse code. A probe on the document needs
    steps of every document on both sides, so the split is within sequences: blocks of 64 steps
    take turns, and the first 8 steps of a block are left out as a gap (shorter blocks where the
    sequences are too short for two). The 40 largest classes that occur on both sides, and 10,000
    steps of each side at most, drawn with the seed.

    The value is the accuracy on the test steps, 0 to 1. The details give the baseline (always the
    most frequent class of the training steps), a 95% interval by bootstrap over test blocks (steps
    in a block are not independent), the label and the numbers of classes and steps.
    """

    name: ClassVar = "probes"
    specs: ClassVar = {
        "slow_probe": MetricSpec(
            f"accuracy of a linear probe for the slow label, by default the document: {_METHOD}",
            "0 to 1; compare with the baseline in the details",
            _SOURCE,
        ),
        "fast_probe": MetricSpec(
            f"accuracy of a linear probe for the fast label, by default the token kind: {_METHOD}",
            "0 to 1; compare with the baseline in the details",
            _SOURCE,
        ),
    }

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._parts = latent_groups(setting.sae)
        self._codes: list[SparseCode] = []
        self._slow: list[NDArray[np.object_]] = []
        self._fast: list[NDArray[np.object_]] = []
        self._fast_name = setting.fast_label

    def update(self, sequence: EncodedSequence) -> None:
        self._codes.append(sequence.code)
        slow = self._setting.slow_label
        document = np.full(sequence.code.rows, str(sequence.index), dtype=object)
        self._slow.append(document if slow is None else _labels(sequence, slow))
        if self._fast_name is None:
            columns = sequence.stored.steps.column_names
            self._fast_name = next((name for name in FAST_COLUMNS if name in columns), None)
        if self._fast_name is not None:
            self._fast.append(_labels(sequence, self._fast_name))

    def outcomes(self) -> dict[str, Outcome]:
        slow = self._setting.slow_label
        found = self._probe("slow_probe", slow or "document", self._slow)
        if self._fast_name is not None:
            return found | self._probe("fast_probe", self._fast_name, self._fast)
        why = LeftOut(
            "the store has no step column 'kind' or 'token_kind'; name the column that says what "
            "kind of step each is with fast_label="
        )
        return found | {part.figure("fast_probe"): why for part in self._parts}

    def _probe(
        self, figure: str, label: str, labels: list[NDArray[np.object_]]
    ) -> dict[str, Outcome]:
        of_row = np.concatenate([np.empty(0, dtype=object), *labels])
        classes = {value for value in of_row if value is not None}
        split = probe_split(of_row, [code.rows for code in self._codes], self._setting.seed)
        if split is None:
            why = LeftOut(
                f"no step has the label {label!r}: it is neither a step column nor a label of "
                f"the store's sequences"
                if not classes
                else f"the label {label!r} has {len(classes)} class"
                f"{'' if len(classes) == 1 else 'es'}, and a probe needs two that occur both in "
                f"training and in test blocks"
            )
            return {part.figure(figure): why for part in self._parts}
        code = concatenate(self._codes)
        found: dict[str, Outcome] = {}
        for part in self._parts:
            result = probe(code, part.start, part.stop, split, self._setting.seed)
            details = {"label": label, **asdict(result)}
            found[part.figure(figure)] = Measured(details.pop("accuracy"), details)
        return found


def _labels(sequence: EncodedSequence, name: str) -> NDArray[np.object_]:
    """The label of every step as a string: a step column, else a label of the whole sequence."""
    stored = sequence.stored
    if name in stored.steps.column_names:
        values = stored.steps[name].to_pylist()
    else:
        values = [stored.labels.get(name)] * sequence.code.rows
    labels = np.empty(len(values), dtype=object)
    labels[:] = [None if value is None else str(value) for value in values]
    return labels
