"""Measurement of one trained dictionary on the held-out part of a testbed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np

from sparsetime.codes import SparseCode, concatenate
from sparsetime.comparison.entry import DwellOctave, ProbeAccuracy
from sparsetime.comparison.testbed_split import TestbedSplit
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import DataError
from sparsetime.features.encoding import encode_store
from sparsetime.metrics.evaluate import evaluate
from sparsetime.metrics.latent_groups import latent_groups
from sparsetime.metrics.temporal.planted_absorption import planted_absorption
from sparsetime.metrics.temporal.planted_recovery import PlantedRecovery, planted_recovery
from sparsetime.metrics.temporal.probe_ladder import ProbeLadder, probe_ladder
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE, Recovery, recovery
from sparsetime.testbeds.synthetic.generate import SyntheticData

METRICS = ("fvu", "l0", "dead", "dwell", "half_life_median", "flicker_share", "smoothness")
SLOW = 32  # steps; a planted feature that dwells longer counts as slow


@final
@dataclass
class Measurements:
    """Metrics by name, reasons of missing ones, probe accuracies, and recovery by octave."""

    metrics: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    probes: list[ProbeAccuracy] = field(default_factory=list)
    octaves: list[DwellOctave] = field(default_factory=list)


def measure(sae: Dictionary, split: TestbedSplit) -> Measurements:
    """All metrics that the testbed allows, on held-out sequences.

    Errors: those of `sparsetime.evaluate`.
    """
    report = evaluate(sae, split.held_out, METRICS, progress=False)
    measured = Measurements(left_out=dict(report.left_out))
    for name, metric in report.items():
        if isinstance(metric.value, float | int):
            measured.metrics[name] = float(metric.value)
    if split.labels or split.true_code is not None:
        code = concatenate(
            [sequence.code for sequence in encode_store(sae, split.held_out, progress=False)]
        )
        if split.labels:
            readers = {group.name or "code": group.of(code) for group in latent_groups(sae)}
            measured.probes = probe_accuracies(
                probe_ladder(readers, split.labels_of_steps, split.lengths, times=split.times)
            )
        if split.true_code is not None and split.bed.truth is not None:
            _planted(measured, sae, code, split.true_code, split.bed.truth, split)
    return measured


def probe_accuracies(ladder: ProbeLadder) -> list[ProbeAccuracy]:
    """The accuracies and baselines of a probe ladder."""
    return [
        ProbeAccuracy(
            label=probe.label, reader=probe.reader, accuracy=probe.accuracy, baseline=probe.baseline
        )
        for probe in ladder.probes
    ]


def _planted(
    measured: Measurements,
    sae: Dictionary,
    code: SparseCode,
    true_code: SparseCode,
    truth: SyntheticData,
    split: TestbedSplit,
) -> None:
    match = recovery(sae.atoms.detach(), truth.atoms)
    measured.metrics["recovered"] = match.share_recovered
    dwell = truth.features["dwell"].to_numpy()
    for name, some in (("recovered_slow", dwell >= SLOW), ("recovered_fast", dwell < SLOW)):
        if some.any():
            measured.metrics[name] = float(_is_recovered(match)[some].mean())
        else:
            measured.left_out[name] = (
                f"no planted feature is on the {name[10:]} side of {SLOW} steps"
            )
    try:
        planted = planted_recovery(code, true_code, match, split.lengths)
        measured.octaves = octaves(planted)
        _add(measured, "dwell_agreement", planted.dwell_agreement.value)
        _add(measured, "firing", planted.firing.value)
    except DataError as error:
        measured.left_out |= {name: str(error) for name in ("dwell_agreement", "firing")}
    try:
        parents = truth.features["parent"].to_numpy()
        absorbed = planted_absorption(code, true_code, match, parents, split.lengths).rate
        _add(measured, "absorption", absorbed.value)
        _add(measured, "absorption_null", absorbed.null)
    except DataError as error:
        measured.left_out |= {name: str(error) for name in ("absorption", "absorption_null")}


def octaves(planted: PlantedRecovery) -> list[DwellOctave]:
    """Recovery and dwell by octave of true dwell."""
    finite = np.isfinite(planted.true_dwell)
    octave = np.full(len(finite), -1)
    octave[finite] = np.floor(np.log2(planted.true_dwell[finite]))
    return [
        DwellOctave(
            dwell=float(2.0**number),
            features=int(here.sum()),
            recovered=float(planted.found[here].mean()),
            found=_median(planted.dwell[here & planted.found]),
        )
        for number in range(int(octave.max()) + 1)
        if (here := octave == number).any()
    ]


def _median(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None


def _is_recovered(match: Recovery) -> np.ndarray:
    return match.cosine.numpy() > FOUND_ABOVE


def _add(measured: Measurements, name: str, value: float) -> None:
    if math.isfinite(value):
        measured.metrics[name] = value
    else:
        measured.left_out[name] = "not defined on these steps"
