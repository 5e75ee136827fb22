"""The edits of one site, checked against its dictionary: features, strengths and spans."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError
from sparsetime.interventions.span import Span
from sparsetime.steering.edits import Ablate, Add, Edit, Swap
from sparsetime.steering.strength import activation_per_unit

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

#: Edits by feature; a number stands for `add` of that strength.
Edits: TypeAlias = Mapping[int, float | Edit | Sequence[Edit]]


@final
@dataclass(frozen=True)
class PlannedEdit:
    """One edit of a feature: strength in activation units, and its span.

    column: of the feature in the plan; other: of the feature that a swap exchanges it with.
    """

    edit: Edit
    column: int
    strength: float
    span: Span
    other: int | None = None


@final
@dataclass(frozen=True)
class EditPlan:
    """The edits of one site in their order.

    features: those that are edited, ascending. edits: applied one after another. sample: the
    activations [rows, features] that means and resampling are taken from. spans: each once.
    """

    features: tuple[int, ...]
    edits: tuple[PlannedEdit, ...]
    keep_error: bool = True
    sample: Float[np.ndarray, "rows features"] | None = None
    spans: tuple[Span, ...] = field(default=())

    @property
    def reads_code(self) -> bool:
        """Whether the code of the site must be computed."""
        reads_edit = any(planned.edit.reads for planned in self.edits)
        return reads_edit or not self.keep_error or any(span.features for span in self.spans)


def checked_edits(edits: Any, width: int, where: str) -> dict[int, list[Edit]]:
    """Edits as a list for each feature.

    Errors: ConfigError for a feature that the dictionary does not have, and for what is no edit.
    """
    if not isinstance(edits, Mapping):
        raise ConfigError(
            f"got {type(edits).__name__} as edits, expected a mapping of features to strengths or "
            "edits, such as {12: 2.0} or {12: st.edits.set(0.0)}"
        )
    checked: dict[int, list[Edit]] = {}
    for key, value in edits.items():
        feature = _feature(key, width, where)
        given = list(value) if isinstance(value, list | tuple) else [value]
        own = [Add(strength=float(e)) if isinstance(e, int | float) else e for e in given]
        for edit in own:
            if not isinstance(edit, Edit):
                raise ConfigError(
                    f"got {edit!r} as the edit of feature {feature}, expected a number or an edit "
                    "of st.edits"
                )
            if isinstance(edit, Swap):
                _feature(edit.other, width, where)
        checked[feature] = own
    return checked


def plan_edits(
    sae: Dictionary,
    edits: dict[int, list[Edit]],
    span: Span,
    unit: str,
    index: FeatureIndex | None,
    keep_error: bool,
    sample: Float[np.ndarray, "rows features"] | None,
) -> EditPlan:
    """The plan of checked edits. sample: of the features of `edited_features`, in their order.

    Errors: those of `activation_per_unit`; ConfigError for an ablation by mean or resampling
    without a sample.
    """
    features = edited_features(edits)
    columns = {feature: column for column, feature in enumerate(features)}
    planned = []
    for feature, own in edits.items():
        for edit in own:
            strength = edit.strength
            if edit.has_unit:
                strength *= activation_per_unit(sae, feature, unit, index)
            if isinstance(edit, Ablate) and edit.by != "zero":
                if sample is None:
                    raise ConfigError(
                        f"got an ablation of feature {feature} by {edit.by!r} without a sample; "
                        "give data=, a store of the site's activations"
                    )
                strength = float(sample[:, columns[feature]].mean())
            other = columns[edit.other] if isinstance(edit, Swap) else None
            planned.append(PlannedEdit(edit, columns[feature], strength, edit.span or span, other))
    spans = tuple(dict.fromkeys([p.span for p in planned] or [span]))
    return EditPlan(features, tuple(planned), keep_error, sample, spans)


def edited_features(edits: dict[int, list[Edit]]) -> tuple[int, ...]:
    """All features whose activation may change, ascending."""
    swapped = {e.other for own in edits.values() for e in own if isinstance(e, Swap)}
    return tuple(sorted({*edits, *swapped}))


def _feature(value: Any, width: int, where: str) -> int:
    try:
        feature = operator.index(value)
    except TypeError:
        raise ConfigError(
            f"got {value!r} as a feature, expected a number from 0 to {width - 1}"
        ) from None
    if not 0 <= feature < width:
        raise ConfigError(
            f"got feature {feature} at the site {where!r}, expected a number from 0 to "
            f"{width - 1}: the dictionary has {width} features"
        )
    return feature
