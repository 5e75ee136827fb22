"""Alarm: which features raise it, and how their activations make the score of a step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index as whole_number
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex

COMBINE = ("any", "all", "sum")


@final
@dataclass(frozen=True)
class Alarm:
    """A rule on features: their largest activation ("any"), smallest ("all") or sum at a step.

        s(t) = combine_i f_i(t),  score(t) = a score(t - 1) + (1 - a) s(t),  a = exp(-step / smooth)

    smooth: time constant in seconds of the moving average; 0 takes each step as it is.

    Errors: ConfigError for no features, one that is no whole number or is there twice, another
    combination, or a negative time.
    """

    features: tuple[int, ...]
    combine: str = "any"
    smooth: float = 0.0

    def __post_init__(self) -> None:
        vars(self).update(features=_numbers(self.features))
        if not self.features or self.combine not in COMBINE or not self.smooth >= 0:
            raise ConfigError(
                f"got an alarm of the features {list(self.features)}, combine={self.combine!r} and "
                f"smooth={self.smooth}; expected at least one feature, one of "
                f"{', '.join(COMBINE)}, and a time from 0 on"
            )
        twice = [f for f in dict.fromkeys(self.features) if self.features.count(f) > 1]
        if twice:
            raise ConfigError(
                f"got feature {twice[0]} {self.features.count(twice[0])} times in one alarm, "
                "expected it once; name every feature once"
            )

    def scores(
        self, code: SparseCode, step: float, before: float = 0.0
    ) -> Float[np.ndarray, " rows"]:
        """The score of every row. step: seconds between rows. before: score of the row before."""
        columns = activations_of(code, self.features)
        reduce = {"any": np.maximum, "all": np.minimum, "sum": np.add}[self.combine].reduce
        raw = np.asarray(reduce(columns, axis=1))
        if not self.smooth:
            return raw
        from scipy.signal import lfilter

        keep = float(np.exp(-step / self.smooth))
        smoothed, _ = lfilter([1 - keep], [1, -keep], raw, zi=[keep * before])
        return np.asarray(smoothed)


def activations_of(code: SparseCode, features: Sequence[int]) -> Float[np.ndarray, "rows features"]:
    """The activations of some features at every row, dense."""
    place = np.full(code.width, -1)
    place[list(features)] = np.arange(len(features))
    at = place[code.indices.cpu().numpy()]
    chosen = at >= 0
    dense = np.zeros((code.rows, len(features)))
    rows = code.row_of_entry.cpu().numpy()[chosen]
    dense[rows, at[chosen]] = code.values.detach().cpu().numpy()[chosen]
    return dense


def as_alarms(
    alarms: Mapping[str, Any], width: int, index: FeatureIndex | None
) -> dict[str, Alarm]:
    """Alarms by name from features, lists of them, names of features, or `Alarm`s.

    index: where names of features are looked up: those of its tables, such as labels.

    Errors: ConfigError for an empty mapping, a feature beyond the width, or a name without an
    index; UnknownNameError for a name that no feature has.
    """
    if not alarms:
        raise ConfigError("got no alarms, expected at least one, such as {'seizure': 12}")
    made = {}
    for name, given in alarms.items():
        if isinstance(given, str):
            alarm = Alarm(_named(given, index))
        elif isinstance(given, Alarm):
            alarm = given
        else:
            is_one = not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0
            alarm = Alarm(_numbers((given,) if is_one else given))
        beyond = [feature for feature in alarm.features if not 0 <= feature < width]
        if beyond:
            raise ConfigError(
                f"got feature {beyond[0]} for the alarm {name!r}, expected features from 0 to "
                f"{width - 1}"
            )
        made[str(name)] = alarm
    return made


def _numbers(features: Iterable[Any]) -> tuple[int, ...]:
    """Numbers of features as Python's integers, from NumPy's or PyTorch's too."""
    features = tuple(features)
    try:
        return tuple(map(whole_number, features))
    except TypeError:
        raise ConfigError(
            f"got an alarm of the features {list(features)}, expected their numbers, such as (3, 7)"
        ) from None


def _named(label: str, index: FeatureIndex | None) -> tuple[int, ...]:
    """The features that an index names so."""
    if index is None:
        raise ConfigError(
            f"got the alarm {label!r} by name without an index; give index=, in which "
            "st.label_features has named features"
        )
    names: dict[str, list[int]] = {}
    for table in index.tables.values():
        for column in table.table.column_names:
            if column.endswith("name"):
                pairs = zip(
                    table.table["feature"].to_pylist(), table.table[column].to_pylist(), strict=True
                )
                for feature, name in pairs:
                    if name is not None:
                        names.setdefault(str(name), []).append(feature)
    if label not in names:
        raise unknown_name("name of a feature", label, names)
    return tuple(sorted(set(names[label])))
