"""Probe metrics: accuracy of linear probes for a slow label (document) and a fast one (token)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.activations.store.stored_sequence import labels_of_steps
from sparsetime.errors import DataError
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate
from sparsetime.statistics.linear_probe import as_strings, group_probe_split, probe, probe_split

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
_RANGE = "0 to 1; compare with the baseline in the details"
_EQUATION = "accuracy = mean over test steps t of [argmax_c (w_c . f(t) + b_c) = label(t)]"
_BLIND_TO = "what a non-linear reader finds; labels beyond the 40 largest classes"
FAST_COLUMNS = ("kind", "token_kind")


@final
class StepLabels(Gather):
    """The slow and the fast label of every step.

    slow: the label named by `slow_label`, or the document. fast: the step column named by
    `fast_label`, by default `kind` or `token_kind`; `fast_name` is None where there is neither.
    """

    def __init__(self, context: EvaluationContext) -> None:
        self._slow_label = context.slow_label
        self.slow_name = context.slow_label or "document"
        self.fast_name = context.fast_label
        self.slow: list[NDArray[np.object_]] = []
        self.fast: list[NDArray[np.object_]] = []
        self._by = context.by
        self.group: list[str] = []

    def update(self, sequence: EncodedSequence, group: int) -> None:
        stored, rows = sequence.stored, sequence.code.rows
        if self._by is not None:
            self.group.append(str(stored.labels[self._by]))
        if self._slow_label is None:
            self.slow.append(as_strings([sequence.index] * rows))
        else:
            self.slow.append(_labels(sequence, self._slow_label))
        if self.fast_name is None:
            columns = stored.steps.column_names
            self.fast_name = next((name for name in FAST_COLUMNS if name in columns), None)
        if self.fast_name is not None:
            self.fast.append(_labels(sequence, self.fast_name))


def slow_probe(data: EvaluationData) -> Estimate:
    """Accuracy of a linear probe for the document of a step, or for `slow_label`.

    The probe is a multinomial logistic regression (scikit-learn, L2, C = 0.1, columns scaled to
    unit mean square on the training steps) on the sparse code. A probe for the document needs
    steps of every document on both sides, so the split is within sequences. Blocks of 64 steps
    alternate, and the first 8 steps of a block are left out as a gap. Blocks are shorter where the
    sequences are too short for two. At most the 40 largest classes that occur on both sides, and
    10,000 steps of each side, drawn with the seed.

    The interval is a bootstrap over test blocks, since steps of a block are not independent. The
    null is the accuracy of the most frequent class of the training steps.

    Errors: DataError where the label has not two classes that occur on both sides.
    """
    labels = data.of(StepLabels)
    return _probed(data, labels.slow_name, labels.slow)


def fast_probe(data: EvaluationData) -> Estimate:
    """Accuracy of a linear probe for the kind of token of a step, or for `fast_label`.

    Method, interval and null: as `slow_probe`. Errors: as there; DataError where the store has no
    such step column.
    """
    labels = data.of(StepLabels)
    if labels.fast_name is None:
        raise DataError(
            "the store has no step column 'kind' or 'token_kind'; name the column that says what "
            "kind of step each is with fast_label="
        )
    return _probed(data, labels.fast_name, labels.fast)


def _probed(data: EvaluationData, label: str, labels: list[NDArray[np.object_]]) -> Estimate:
    of_row = np.concatenate([np.empty(0, dtype=object), *labels])
    groups = data.of(StepLabels).group
    if groups:
        split = group_probe_split(of_row, data.lengths, groups, data.context.seed)
    else:
        split = probe_split(of_row, data.lengths, data.context.seed)
    if split is None:
        classes = {value for value in of_row if value is not None}
        raise DataError(
            f"no step has the label {label!r}: it is neither a step column nor a label of "
            f"the store's sequences"
            if not classes
            else f"the label {label!r} has {len(classes)} class"
            f"{'' if len(classes) == 1 else 'es'}, and a probe needs two that occur both in "
            f"training and in test {'groups' if groups else 'blocks'}"
        )
    result = probe(data.code, data.group.start, data.group.stop, split, data.context.seed)
    fitted = (
        f"the other half of the groups of {data.context.by!r}"
        if groups
        else "other blocks of time of the same sequences"
    )
    details = {"label": label, "fitted_on": fitted, **asdict(result)}
    accuracy, interval = details.pop("accuracy"), details.pop("interval")
    null_is = "always the most frequent class of the training steps"
    return Estimate(accuracy, interval, result.baseline, null_is, details)


def _labels(sequence: EncodedSequence, name: str) -> NDArray[np.object_]:
    """The label of every step as a string, None where a step has none."""
    values = labels_of_steps(sequence.stored, name)
    return as_strings([None] * sequence.code.rows if values is None else values)


PROBES = (
    Metric(
        MetricSpec(
            "slow_probe",
            f"accuracy of a linear probe for the slow label, by default the sequence: {_METHOD}",
            _EQUATION,
            _RANGE,
            _SOURCE,
            _BLIND_TO,
        ),
        slow_probe,
        (StepLabels,),
        is_fitted=True,
    ),
    Metric(
        MetricSpec(
            "fast_probe",
            f"accuracy of a linear probe for the fast label, by default the token kind: {_METHOD}",
            _EQUATION,
            _RANGE,
            _SOURCE,
            _BLIND_TO,
        ),
        fast_probe,
        (StepLabels,),
        is_fitted=True,
    ),
)
