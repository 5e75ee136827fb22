"""Phases of an instruction: whether the phase is that of the step before, beyond single steps."""

from __future__ import annotations

import itertools
from typing import cast, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field, model_validator

from sparsetime.testbeds.tempbench.content import ContentSettings, activations_with_content
from sparsetime.testbeds.tempbench.data import UNLABELLED, TempBenchData, one_hot
from sparsetime.testbeds.tempbench.readout import read_windows

NAME = "instruction_phases"


@final
class InstructionPhasesSettings(ContentSettings):
    """Phases, their shares, their dwell, and how much sequences differ.

    Errors: pydantic's ValidationError where shares and dwells differ in number.
    """

    content: int = Field(15, ge=1, description="content directions, which know nothing of time")
    shares: tuple[float, ...] = Field(
        (0.46, 0.34, 0.07, 0.07, 0.06),
        min_length=2,
        max_length=7,
        description="mean propensity of the phases",
    )
    dwell: tuple[float, ...] = Field(
        (2.4, 2.0, 1.6, 1.8, 1.4), min_length=2, description="mean steps of a phase"
    )
    concentration: float = Field(
        4.0, gt=0, description="of the Dirichlet distribution of a sequence's propensities"
    )
    own: float = Field(
        0.94, ge=0, le=1, description="weight of a sequence's propensities in a change of phase"
    )

    @model_validator(mode="after")
    def _consistent(self) -> InstructionPhasesSettings:
        if len(self.shares) != len(self.dwell) or min(self.shares) <= 0 or min(self.dwell) < 1:
            raise ValueError(
                f"got shares={self.shares} and dwell={self.dwell}, expected as many shares above "
                "0 as dwells of at least 1; give one of each for every phase"
            )
        return self


def generate(settings: InstructionPhasesSettings) -> TempBenchData:
    """A phase's direction at every step, amid content; the target is c_t == c_(t-1).

        pi ~ Dirichlet(concentration * shares) for a sequence;  a phase c lasts geometrically,
        then d follows with  own * pi_d / (1 - pi_c) + (1 - own) / (phases - 1),  d != c

    A repetition is likelier in some phases, so sums over single steps are above one half: the
    best such readout is the chance level, and the score shows what is beyond. Source: the bed of
    instruction phases of TempBench (github.com/chainik1125/temp_xc). There propensities, dwells
    and jumps are resampled from annotated texts and the floor is a constant, 0.771; here they are
    drawn from the distributions above, with numbers of our own, and the floor is computed.
    """
    random = settings.stream(NAME, "latents")
    count = len(settings.shares)
    propensity = random.dirichlet(
        settings.concentration * np.array(settings.shares) / sum(settings.shares),
        settings.sequences,
    )
    jump = propensity[:, None] * (1 - np.eye(count))
    total = jump.sum(axis=2, keepdims=True)
    others = (1 - np.eye(count)) / (count - 1)
    # A propensity can be all of one phase in floating point; the next is then uniform.
    jump = np.where(total > 1e-12, jump / np.maximum(total, 1e-12), others)
    jump = settings.own * jump + (1 - settings.own) * others
    leave = 1 / np.array(settings.dwell)
    cumulative = jump.cumsum(axis=2)
    drawn = random.random((2, settings.sequences, settings.time))
    rows = np.arange(settings.sequences)
    phase = np.empty((settings.sequences, settings.time), np.int64)
    first = propensity.cumsum(axis=1)
    phase[:, 0] = _choose(first, drawn[0, :, 0])
    for t in range(1, settings.time):
        before = phase[:, t - 1]
        target = _choose(cumulative[rows, before], drawn[0, :, t])
        phase[:, t] = np.where(drawn[1, :, t] < leave[before], target, before)
    repeated = np.full(phase.shape, UNLABELLED)
    repeated[:, 1:] = phase[:, 1:] == phase[:, :-1]
    activations, directions = activations_with_content(one_hot(phase, count), settings, NAME)
    return TempBenchData(
        bed=NAME,
        settings=settings,
        activations=activations,
        directions=directions,
        target=repeated[..., None],
        classes=2,
        latents={"phase": phase, "repeated": repeated, "propensity": propensity},
    )


def additive_floor(data: TempBenchData, window: int) -> float:
    """Largest balanced accuracy of any readout f(c_t) + g(c_(t-1)) > 0, or f(c_t) > 0 of one step.

    For a given order of g every phase c_t selects the first few c_(t-1) of that order, so the best
    choice for each c_t and the best of all orders is exact:

        1/2 + 1/2 max_order sum_c max_n sum_(d in first n) P(c, d | same) - P(c, d | other)
    """
    count = len(cast(InstructionPhasesSettings, data.settings).shares)
    pairs = read_windows(data.latents["phase"], 2).reshape(-1, 2)
    table = np.zeros((count, count))
    np.add.at(table, (pairs[:, 1], pairs[:, 0]), 1.0)
    same = np.diag(np.diag(table))
    gain = same / same.sum() - (table - same) / (table - same).sum()
    if window == 1:
        return float(0.5 + 0.5 * np.maximum(gain.sum(axis=1), 0).sum())
    best = 0.0
    for order in itertools.permutations(range(count)):
        first = gain[:, order].cumsum(axis=1).max(axis=1)
        best = max(best, float(np.maximum(first, 0).sum()))
    return 0.5 + 0.5 * best


def best_codes(data: TempBenchData, window: int) -> Float[np.ndarray, "sequences reads columns"]:
    """Whether the phase is repeated; of a single step its phase, one-hot."""
    phase = read_windows(data.latents["phase"], min(window, 2))
    if window == 1:
        return one_hot(phase[:, :, 0], len(cast(InstructionPhasesSettings, data.settings).shares))
    same: Float[np.ndarray, "sequences reads 1"] = 1.0 * (phase[:, :, 1:] == phase[:, :, :1])
    return same


def _choose(
    cumulative: Float[np.ndarray, "rows phases"], drawn: Float[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    """The first phase whose cumulative probability exceeds the number drawn."""
    below: Int[np.ndarray, " rows"] = (drawn[:, None] >= cumulative[:, :-1]).sum(axis=1)
    return below
