"""st.monitor: alarms with thresholds and detections from held-out recordings, and drift."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from sparsetime.activations.store.split import split
from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary_hash import dictionary_hash, same_dictionary
from sparsetime.errors import (
    ConfigError,
    DamagedError,
    MismatchError,
    StoreError,
    unknown_name,
)
from sparsetime.features.encoding import check_compatible
from sparsetime.features.index_of_dictionary import check_index_of
from sparsetime.files import Folder, locks
from sparsetime.monitors.alarm import Alarm, as_alarms
from sparsetime.monitors.detection import NEVER, Detection, clean_steps, detect, threshold_for
from sparsetime.monitors.scored_store import ScoredStore, reference_rates
from sparsetime.monitors.watch import Watch

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.features.index import FeatureIndex

RECORD, RATES = "monitor.json", "rates.safetensors"
_SECONDS = ("second", "seconds", "s")


@final
@dataclass(frozen=True)
class Monitor:
    """Alarms with thresholds, and the reference of drift.

    thresholds: by alarm. detections: a `Detection` for each alarm, from recordings that chose no
    threshold. reference: firing rate of each feature, drift_threshold: of the distance of a window
    of drift_window steps; see `DriftWindows`. drift_rate: windows over it an hour, on recordings
    that did not choose it. step: seconds. hold_steps: alarms this close together are one. about:
    the split in words, and what was asked for.
    """

    alarms: dict[str, Alarm]
    thresholds: dict[str, float]
    detections: dict[str, Detection]
    reference: Float[np.ndarray, " width"] = field(repr=False)
    drift_window: int
    drift_threshold: float
    drift_rate: float
    step: float
    hold_steps: int
    site: str
    model_hash: str
    dictionary_hash: str
    about: dict[str, Any]

    def watch(self, sae: Dictionary) -> Watch:
        """A new stream under this monitor. Errors: MismatchError for another dictionary."""
        if not same_dictionary(self.dictionary_hash, dictionary_hash(sae)):
            raise MismatchError(
                "got another dictionary than the monitor was set with, and its thresholds hold for "
                "that one alone; give that one, or set a monitor for this one"
            )
        return Watch(self, sae)

    def save(self, folder: str | Path) -> None:
        """Write `monitor.json` and the reference rates."""
        where = Folder(str(folder))
        sha256 = where.write_tensors(RATES, {"rates": self.reference})
        value = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in ("reference", "alarms", "detections")
        }
        value["alarms"] = {name: asdict(alarm) for name, alarm in self.alarms.items()}
        value["detections"] = {name: asdict(one) for name, one in self.detections.items()}
        where.write_json(RECORD, {"schema_version": 1, "rates": sha256, **value})


def open_monitor(folder: str | Path) -> Monitor:
    """Read what `Monitor.save` wrote.

    Errors: StoreError where there is none; DamagedError where it cannot be read as one.
    """
    where = Folder(str(folder))
    if not where.exists(RECORD):
        raise StoreError(f"{where.url} holds no {RECORD}; sparsetime.monitor(…, out=…) writes one")
    again = "Set the monitor again with sparsetime.monitor"
    record = where.read_json(RECORD, 1, again)
    try:
        rates = where.read_tensors(RATES, 1, again, record.pop("rates"))["rates"].numpy()
        record.pop("schema_version")
        alarms = {
            name: Alarm(tuple(one["features"]), one["combine"], one["smooth"])
            for name, one in record.pop("alarms").items()
        }
        detections = {
            name: Detection(
                **one
                | {
                    "interval": one["interval"] and tuple(one["interval"]),
                    "delays": tuple(one["delays"]),
                }
            )
            for name, one in record.pop("detections").items()
        }
        return Monitor(alarms=alarms, detections=detections, reference=rates, **record)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{where.url}/{RECORD} is no monitor: {error!r}. {again}") from error


@locks("out")
def monitor(
    sae: Dictionary,
    store: Store,
    alarms: Mapping[str, int | Iterable[int] | str | Alarm],
    *,
    false_alarms: float = 1.0,
    events: Mapping[str, str] | None = None,
    training: Store | None = None,
    index: FeatureIndex | None = None,
    hold: float = 1.0,
    late: float = 0.0,
    drift_window: float = 60.0,
    by: str | None = None,
    label: str | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    progress: bool = True,
) -> Monitor:
    """Set thresholds of alarms on one half of held-out recordings, and measure them on the other.

    store: recordings that the dictionary was not trained on, with times in seconds.
    alarms: by name, a feature, a list of features (any of them), an `Alarm` (any, all or sum, with
    a moving average), or the name of features in `index` (such as a label that
    `st.label_features` found).
    false_alarms: how many an hour are allowed, of each alarm and of drift.
    events: the `trial_type` that each alarm is to find; None: the one of its own name, if the store
    has such events. Without events all alarms are false.
    training: the store whose firing rates are the reference of drift; None: the half that sets
    thresholds. hold: seconds; alarms closer than that are one. late: seconds after an event in
    which an alarm still belongs to it. drift_window: seconds over which rates are measured.
    by, label: how `st.split` halves the recordings; one recording alone is halved by time.

    Errors: ConfigError for settings out of range and stores whose times are not in seconds;
    MismatchError where dictionary, store and index do not belong together; UnknownNameError for an
    event type or a name that does not exist. A warning where the recordings are too short for the
    rate.
    """
    if not (false_alarms > 0 and hold >= 0 and late >= 0 and drift_window > 0):
        raise ConfigError(
            f"got false_alarms={false_alarms}, hold={hold}, late={late} and "
            f"drift_window={drift_window}; expected a rate and a window above 0, times from 0 on"
        )
    check_compatible(sae, store)
    step = _seconds_a_step(store)
    if index is not None:
        check_index_of(index, sae)
    chosen = as_alarms(alarms, sae.width, index)
    kinds = set(store.events["trial_type"].to_pylist())
    for kind in (events or {}).values():
        if kind not in kinds:
            raise unknown_name("type of events of the store", kind, map(str, kinds))
    setting, measuring = split(store, by, label=label, held_out=0.5, seed=seed)
    reference = reference_rates(sae, setting if training is None else training, progress)
    window = max(round(drift_window / step), 1)
    halves = [
        ScoredStore.of(sae, half, chosen, events, step, (reference, window), progress)
        for half in (setting, measuring)
    ]
    steps = (round(hold / step), round(late / step))
    thresholds, detections = {}, {}
    for name in chosen:
        hours = clean_steps(halves[0].recordings[name], steps[1]) * step / 3600
        allowed = false_alarms * hours
        if allowed < 1:
            warnings.warn(
                f"{hours:.3g} hours without events set the threshold of {name!r}, and "
                f"{false_alarms:g} false alarms an hour are less than one in that time: the "
                "threshold is above all scores there; longer recordings set it better",
                stacklevel=3,
            )
        thresholds[name] = threshold_for(halves[0].recordings[name], allowed, *steps)
        detections[name] = detect(halves[1].recordings[name], thresholds[name], *steps, step, seed)
    drift_threshold = _upper(halves[0].distances, false_alarms * window * step / 3600)
    over = float(np.mean(halves[1].distances >= drift_threshold)) if len(halves[1].distances) else 0
    made = Monitor(
        chosen,
        thresholds,
        detections,
        reference,
        window,
        drift_threshold,
        over * 3600 / (window * step),
        step,
        steps[0],
        store.site,
        store.model_hash,
        dictionary_hash(sae),
        {
            "false_alarms": false_alarms,
            # A half that sets thresholds was not trained on.
            "thresholds_from": setting.note.replace("trained on", "set on"),
            "detections_from": measuring.note,
            "reference": (
                "the half that sets thresholds" if training is None else "the training store"
            ),
        },
    )
    if out is not None:
        made.save(out)
    return made


def _seconds_a_step(store: Store) -> float:
    units = {unit or store.unit for unit in store.sequences["unit"].to_pylist()}
    steps = set(store.sequences["step"].to_pylist())
    if not units <= set(_SECONDS):
        raise ConfigError(
            f"got a store whose times are in {', '.join(sorted(units))}, expected seconds, since "
            "false alarms are counted by the hour; capture with st.Recording(rate=...)"
        )
    if max(steps) - min(steps) > 1e-6 * min(steps):
        raise ConfigError(
            f"got recordings with steps of {min(steps):g} to {max(steps):g} s, expected one rate; "
            "set a monitor for each"
        )
    return float(min(steps))


def _upper(distances: Float[np.ndarray, " windows"], share: float) -> float:
    """The distance that at most this share of the windows reach, or above all of them."""
    if not len(distances):
        return NEVER
    ordered = np.sort(distances)[::-1]
    allowed = math.floor(share * len(ordered))
    return float(np.nextafter(ordered[allowed], math.inf)) if allowed < len(ordered) else 0.0
