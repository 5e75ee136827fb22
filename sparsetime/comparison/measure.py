"""What is measured of one trained dictionary."""

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

FIGURES = ("fvu", "l0", "dead", "dwell", "half_life_median", "flicker_share", "smoothness")
SLOW = 32  # steps; a planted feature that dwells longer counts as slow


@final
@dataclass
class Measurements:
    """Figures by name, why others are missing, and what has more than one number."""

    figures: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    probes: list[ProbeAccuracy] = field(default_factory=list)
    octaves: list[DwellOctave] = field(default_factory=list)


def measure(sae: Dictionary, split: TestbedSplit) -> Measurements:
    """Everything that this testbed allows, on sequences that were not trained on.

    Errors: those of `sparsetime.evaluate`.
    """
    report = evaluate(sae, split.held_out, FIGURES, progress=False)
    found = Measurements(left_out=dict(report.left_out))
    for name, figure in report.items():
        if isinstance(figure.value, float | int):
            found.figures[name] = float(figure.value)
    if split.labels or split.true_code is not None:
        code = concatenate(
            [each.code for each in encode_store(sae, split.held_out, progress=False)]
        )
        if split.labels:
            readers = {part.name or "code": part.of(code) for part in latent_groups(sae)}
            found.probes = probed(
                probe_ladder(readers, split.labels_of_steps, split.lengths, times=split.times)
            )
        if split.true_code is not None and split.bed.truth is not None:
            _planted(found, sae, code, split.true_code, split.bed.truth, split)
    return found


def probed(found: ProbeLadder) -> list[ProbeAccuracy]:
    """The accuracies and baselines of a probe ladder."""
    return [
        ProbeAccuracy(
            label=probe.label, reader=probe.reader, accuracy=probe.accuracy, baseline=probe.baseline
        )
        for probe in found.probes
    ]


def _planted(
    found: Measurements,
    sae: Dictionary,
    code: SparseCode,
    true_code: SparseCode,
    truth: SyntheticData,
    split: TestbedSplit,
) -> None:
    match = recovery(sae.atoms.detach(), truth.atoms)
    found.figures["recovered"] = match.share_recovered
    dwell = truth.features["dwell"].to_numpy()
    for name, some in (("recovered_slow", dwell >= SLOW), ("recovered_fast", dwell < SLOW)):
        if some.any():
            found.figures[name] = float(_is_found(match)[some].mean())
        else:
            found.left_out[name] = f"no planted feature is on the {name[10:]} side of {SLOW} steps"
    try:
        told = planted_recovery(code, true_code, match, split.lengths)
        found.octaves = octaves(told)
        _add(found, "dwell_agreement", told.dwell_agreement.value)
        _add(found, "firing", told.firing.value)
    except DataError as error:
        found.left_out |= {name: str(error) for name in ("dwell_agreement", "firing")}
    try:
        parents = truth.features["parent"].to_numpy()
        absorbed = planted_absorption(code, true_code, match, parents, split.lengths).rate
        _add(found, "absorption", absorbed.value)
        _add(found, "absorption_null", absorbed.null)
    except DataError as error:
        found.left_out |= {name: str(error) for name in ("absorption", "absorption_null")}


def octaves(told: PlantedRecovery) -> list[DwellOctave]:
    """Recovery and dwell by octave of true dwell."""
    known = np.isfinite(told.true_dwell)
    octave = np.full(len(known), -1)
    octave[known] = np.floor(np.log2(told.true_dwell[known]))
    return [
        DwellOctave(
            dwell=float(2.0**number),
            features=int(here.sum()),
            recovered=float(told.found[here].mean()),
            found=_median(told.dwell[here & told.found]),
        )
        for number in range(int(octave.max()) + 1)
        if (here := octave == number).any()
    ]


def _median(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else None


def _is_found(match: Recovery) -> np.ndarray:
    return match.cosine.numpy() > FOUND_ABOVE


def _add(found: Measurements, name: str, value: float) -> None:
    if math.isfinite(value):
        found.figures[name] = value
    else:
        found.left_out[name] = "not defined on these steps"
