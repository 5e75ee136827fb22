"""Register of the beds: data by name, and scores of codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.config import validated
from sparsetime.errors import ConfigError, unknown_name
from sparsetime.testbeds.tempbench import (
    change_points,
    coloured_sources,
    coupled_chains,
    cyclic_frequency,
    instruction_phases,
    markov_supports,
    multilane_tones,
    permuted_tones,
    phase_pairs,
    self_exciting,
)
from sparsetime.testbeds.tempbench.data import TempBenchData, TempBenchSettings
from sparsetime.testbeds.tempbench.readout import (
    TempBenchScore,
    linear_readout,
    read_steps,
    readout_of_rows,
)

Codes = Callable[[TempBenchData, int], Float[np.ndarray, "sequences reads columns"]]


@final
@dataclass(frozen=True)
class _Bed:
    """How a bed is generated and what bounds its scores.

    best: the best codes of a window, at the steps that are read; None where directions are scored.
    floor: the chance level by window, None where that follows from the classes.
    """

    settings: type[TempBenchSettings]
    generate: Callable[[Any], TempBenchData]
    best: Codes | None
    floor: Callable[[TempBenchData, int], float] | None = None


#: Every bed by name.
BEDS = {
    markov_supports.NAME: _Bed(
        markov_supports.MarkovSupportsSettings, markov_supports.generate, markov_supports.best_codes
    ),
    coupled_chains.NAME: _Bed(
        coupled_chains.CoupledChainsSettings, coupled_chains.generate, coupled_chains.best_codes
    ),
    self_exciting.NAME: _Bed(
        self_exciting.SelfExcitingSettings, self_exciting.generate, self_exciting.best_codes
    ),
    change_points.NAME: _Bed(
        change_points.ChangePointsSettings, change_points.generate, change_points.best_codes
    ),
    cyclic_frequency.NAME: _Bed(
        cyclic_frequency.CyclicFrequencySettings,
        cyclic_frequency.generate,
        cyclic_frequency.best_codes,
    ),
    multilane_tones.NAME: _Bed(
        multilane_tones.MultilaneTonesSettings, multilane_tones.generate, multilane_tones.best_codes
    ),
    phase_pairs.NAME: _Bed(
        phase_pairs.PhasePairsSettings, phase_pairs.generate, phase_pairs.best_codes
    ),
    coloured_sources.NAME: _Bed(
        coloured_sources.ColouredSourcesSettings, coloured_sources.generate, None
    ),
    permuted_tones.NAME: _Bed(
        permuted_tones.PermutedTonesSettings, permuted_tones.generate, permuted_tones.best_codes
    ),
    instruction_phases.NAME: _Bed(
        instruction_phases.InstructionPhasesSettings,
        instruction_phases.generate,
        instruction_phases.best_codes,
        instruction_phases.additive_floor,
    ),
}


def tempbench(bed: str, **settings: Any) -> TempBenchData:
    """The activations of a bed of `BEDS` and their truth; `settings` are those of the bed.

    Source: TempBench (github.com/chainik1125/temp_xc), rebuilt from its descriptions. Random
    numbers are ours, and each bed's `generate` says where else it may differ.
    Errors: UnknownNameError; ConfigError for settings that the bed refuses.
    """
    if bed not in BEDS:
        raise unknown_name("bed of TempBench", bed, BEDS)
    chosen = validated(BEDS[bed].settings, settings, f"the settings of {bed}")
    return BEDS[bed].generate(chosen)


def tempbench_score(
    codes: SparseCode | Float[Tensor, "sequences time width"], data: TempBenchData, window: int
) -> TempBenchScore:
    """Score of the codes of all steps of a bed; see `TempBenchScore`.

    codes: of shape [sequences, time], a step's code depending on that step and those before.
    window: how many steps a code reads, 1 to 16. The ceiling is that of the best code of a window.
    Errors: ConfigError for a window out of range, and for coloured sources, where directions are
    scored; MismatchError for codes of other sequences or steps; DataError for too few sequences.
    """
    bed = BEDS[data.bed]
    if bed.best is None:
        raise ConfigError(
            f"got codes of {data.bed}, expected directions; use direction_score with the atoms"
        )
    dense = codes.dense() if isinstance(codes, SparseCode) else codes
    score = linear_readout(dense.detach().cpu().numpy(), data)
    target = data.target[:, read_steps(data.target.shape[1])]
    ceiling = readout_of_rows(bed.best(data, window), target, data.classes)
    if bed.floor is not None:
        chance = bed.floor(data, window)
    else:
        chance = 1 / data.classes if data.classes else 0.0
    return TempBenchScore(score, chance, ceiling, window)
