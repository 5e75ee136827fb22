"""Effects by lag that `st.effects` saved beside an index."""

from __future__ import annotations

from typing import Any

from sparsetime.dictionaries.dictionary_hash import same_dictionary
from sparsetime.errors import DamagedError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.index_records import index_records
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import FeatureLine
from sparsetime.steering.effects import RECORD_VERSION

_AGAIN = "Measure it again with sparsetime.effects"


class LagBand(FrozenRecord):
    """A mean by lag with its 95% interval, and the middle 95% of the null features."""

    mean: list[float]
    low: list[float]
    high: list[float]
    null_low: list[float] | None
    null_high: list[float] | None


class MovedFeature(FrozenRecord):
    """A feature of a watched site, and the mean change of its activation by lag."""

    site: Text
    feature: int
    mean: list[float]


class ResponseView(FrozenRecord):
    """The response to an impulse, a step or a release."""

    kind: Text
    divergence: LagBand
    feature: LagBand
    moved: list[MovedFeature]
    half_life: float
    half_life_interval: tuple[float, float] | None
    half_life_null: float | None
    half_life_censored: bool
    relative_norm: float | None


class EchoView(FrozenRecord):
    """What is left behind the end of a held edit: in all, in keys and values, in the words."""

    total: LagBand
    carried: LagBand
    words: LagBand
    feature: LagBand
    latching: float
    latching_interval: tuple[float, float] | None


class EffectsView(FrozenRecord):
    """The effects of the edits of some features, as they were saved."""

    features: list[FeatureLine]
    edits: list[Text]
    site: Text
    windows: int
    divergence_is: Text
    units: Text
    at: Text
    hold: int
    responses: list[ResponseView]
    echo: EchoView | None


def saved_effects(opened: RunCache, key: str) -> list[EffectsView]:
    """Every saved effect of a dictionary, by its features; empty where there is none.

    Those that were measured before it was trained again are left out.

    Errors: UnknownNameError for a dictionary that the run does not show; DamagedError for a file
    that cannot be read as one.
    """
    return [
        _view(opened, key, record, where)
        for where, record in index_records(opened, key, "effects", RECORD_VERSION, _AGAIN)
        if _is_of(record, opened.labels.weights[key])
    ]


def _is_of(record: Any, identity: str) -> bool:
    """Whether effects are of the dictionary as it is now; earlier ones do not say of which."""
    settings = record.get("settings") if isinstance(record, dict) else None
    measured = settings.get("dictionary") if isinstance(settings, dict) else None
    return not isinstance(measured, str) or same_dictionary(measured, identity)


def _view(opened: RunCache, key: str, record: dict[str, Any], where: str) -> EffectsView:
    try:
        settings = record["settings"]
        edits = [
            f"{feature} {kind}" + (f" {strength:g}" if kind != "ablate" else "")
            for feature, each in settings["edits"].items()
            for kind, strength in each
        ]
        return EffectsView(
            features=lines(opened, key, record["features"]),
            edits=edits,
            site=record["site"],
            windows=record["windows"],
            divergence_is=record["divergence_is"],
            units=settings["units"],
            at=str(settings["at"]),
            hold=settings["hold"],
            responses=record["responses"],
            echo=record["echo"],
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(
            f"{where} does not hold effects of this index: {error!r}. {_AGAIN}"
        ) from error
