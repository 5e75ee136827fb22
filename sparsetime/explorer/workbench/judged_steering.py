"""Comparisons of steering by arms that `sparsetime judge` saved beside an index."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.dictionary_hash import same_dictionary
from sparsetime.errors import DamagedError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.index_records import index_records
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine
from sparsetime.steering.arms.compare_arms import RECORD_VERSION

_AGAIN = "Judge it again with sparsetime judge"


class ArmView(FrozenRecord):
    """One arm at the dose that was chosen. null_of: the arm whose null it is; empty for others."""

    name: Text
    dose: float
    target: float
    target_interval: tuple[float, float] | None
    shift: float
    effect_size: float | None
    rank: float | None
    null_of: Text
    perplexity: float
    off_target: float | None
    texts: list[Text]


class JudgedView(FrozenRecord):
    """A comparison of arms. are_chosen: whether the examples chose the features."""

    features: list[FeatureLine]
    are_chosen: bool
    site: Text
    judge: Text
    off_target: Text
    limit: float
    doses: list[float]
    prompts: list[Text]
    arms: list[ArmView]


def judged_steering(opened: RunCache, key: str) -> list[JudgedView]:
    """Every saved comparison of a dictionary, by name; empty where there is none.

    Those of a dictionary that was trained again since are left out, and those of `compare_arms`,
    which record no dictionary.

    Errors: UnknownNameError for a dictionary that the run does not show; DamagedError for a file
    that cannot be read as one.
    """
    found = []
    for where, record in index_records(opened, key, "judged", RECORD_VERSION, _AGAIN):
        try:
            about = record["about"]
            if about and same_dictionary(about["dictionary"], opened.labels.weights[key]):
                found.append(_view(opened, key, record))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise DamagedError(
                f"{where} does not hold a comparison of this index: {error!r}. {_AGAIN}"
            ) from error
    return found


def _view(opened: RunCache, key: str, record: dict[str, Any]) -> JudgedView:
    about = record["about"]
    return JudgedView(
        features=lines(opened, key, [int(feature) for feature in about["features"]]),
        are_chosen=about["are_chosen"],
        site=about["site"],
        judge=about["judge"],
        off_target=about["off_target"],
        limit=record["limit"],
        doses=about["doses"],
        prompts=about["prompts"],
        arms=[ArmView(**{**arm, "null_of": arm["null_of"] or ""}) for arm in record["arms"]],
    )
