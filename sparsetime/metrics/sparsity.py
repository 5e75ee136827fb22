"""How many latents are active: on a step, over all steps, ever."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from sparsetime.metrics.metric import (
    LatentGroup,
    LeftOut,
    Measured,
    Metric,
    MetricSpec,
    Outcome,
    Setting,
    latent_groups,
)

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence

DENSE = 0.1
_LOWEST_DECADE = -7
_BINS_A_DECADE = 4
_SOURCE = "Bricken et al. 2023, Towards monosemanticity, section on feature density"


@final
class Sparsity(Metric):
    """L0 (mean and spread), dead and dense features, and the density histogram.

    With A_t the number of latents active on step t and c_i the number of steps on which latent i
    is active, out of T steps: l0 = mean of A_t; l0_spread = standard deviation of A_t;
    density of i = c_i / T; dead = share of latents with c_i = 0; dense = share of latents with
    c_i / T > 0.1. All of them range from 0; shares and densities to 1, L0 to the width.

    A latent is dead on this data; a larger set may wake it. Source: Bricken et al. 2023.
    """

    name: ClassVar = "sparsity"
    specs: ClassVar = {
        "l0": MetricSpec("mean number of active latents a step", "0 to the width", _SOURCE),
        "l0_spread": MetricSpec(
            "standard deviation over steps of the number of active latents",
            "0 (the same on every step) to half the width",
            "the plain standard deviation, divided by the number of steps",
        ),
        "dead": MetricSpec(
            "share of latents that are active on no step of this data", "0 to 1", _SOURCE
        ),
        "dense": MetricSpec(
            "share of latents that are active on more than a tenth of the steps", "0 to 1", _SOURCE
        ),
        "density_histogram": MetricSpec(
            "number of latents by density, the share of steps on which a latent is active; the "
            "edges are densities, four bins a decade; dead latents are in no bin",
            "edges from 1e-7 to 1, counts from 0 to the width",
            _SOURCE,
        ),
    }

    def __init__(self, setting: Setting) -> None:
        self._parts = latent_groups(setting.sae)
        self._count = np.zeros(setting.sae.width, dtype=np.int64)
        self._steps = 0
        self._sum = {part.name: 0 for part in self._parts}
        self._squares = {part.name: 0 for part in self._parts}

    def update(self, sequence: EncodedSequence) -> None:
        code = sequence.code
        self._steps += code.rows
        self._count += np.bincount(code.indices.numpy(), minlength=code.width)
        for part in self._parts:
            active = part.of(code).counts
            self._sum[part.name] += int(active.sum())
            self._squares[part.name] += int(active.square().sum())

    def outcomes(self) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        for part in self._parts:
            if part.width == 0 or self._steps == 0:
                why = LeftOut("there are no steps or no latents to count")
                found |= {part.figure(name): why for name in self.specs}
                continue
            found |= {part.figure(name): value for name, value in self._of(part).items()}
        return found

    def _of(self, part: LatentGroup) -> dict[str, Measured]:
        count = self._count[part.start : part.stop]
        density = count / self._steps
        mean = self._sum[part.name] / self._steps
        # Integers until here, so that a constant L0 has a spread of exactly 0.
        variance = (
            self._squares[part.name] * self._steps - self._sum[part.name] ** 2
        ) / self._steps**2
        bins = -_LOWEST_DECADE * _BINS_A_DECADE
        edges = np.logspace(_LOWEST_DECADE, 0, bins + 1)
        # A density on an edge belongs to the bin above it, 1 to the last.
        place = np.log10(np.maximum(density[count > 0], edges[0])) - _LOWEST_DECADE
        bin_of = np.minimum(np.floor(place * _BINS_A_DECADE + 1e-9), bins - 1).astype(np.int64)
        counts = np.bincount(bin_of, minlength=bins)
        return {
            "l0": Measured(mean),
            "l0_spread": Measured(math.sqrt(variance)),
            "dead": Measured(float((count == 0).mean())),
            "dense": Measured(float((density > DENSE).mean())),
            "density_histogram": Measured({"edges": edges.tolist(), "counts": counts.tolist()}),
        }
