"""How much of the activations the dictionary gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import torch

from sparsetime.features.encoding import device_of
from sparsetime.metrics.metric import (
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


@final
class Reconstruction(Metric):
    """FVU, the fraction of variance unexplained.

    fvu = sum of ||x - x_hat||^2 / sum of ||x - mean of x||^2, both over all steps. 0 for a perfect
    reconstruction, 1 for one no better than the mean, above 1 for a worse one. A part of the
    code (`fvu/high` and `fvu/low` of a T-SAE) is decoded alone.

    Source: the ratio is 1 - R^2 over all coordinates at once; used for SAEs since Gao et al. 2024,
    "Scaling and evaluating sparse autoencoders", section 2 (normalised MSE).
    """

    name: ClassVar = "reconstruction"
    specs: ClassVar = {
        "fvu": MetricSpec(
            "fraction of variance unexplained: the sum of ||x - x_hat||^2 over the sum of "
            "||x - mean(x)||^2, over all steps; for a part, x_hat is decoded from that part alone",
            "0 (perfect) to 1 (no better than the mean); above 1 if worse",
            "Gao et al. 2024, Scaling and evaluating sparse autoencoders, section 2",
        )
    }

    def __init__(self, setting: Setting) -> None:
        self._sae = setting.sae
        self._parts = latent_groups(setting.sae)
        self._residual = {part.name: 0.0 for part in self._parts}
        self._rows = 0
        # Sums are of x - shift, where the shift is one of the rows: so the difference of the two
        # sums below keeps its digits when the mean is far larger than the spread.
        self._shift: torch.Tensor | None = None
        self._sum = torch.zeros(setting.sae.d_in, dtype=torch.float64)
        self._squares = 0.0

    def update(self, sequence: EncodedSequence) -> None:
        x = sequence.activations.double()
        if x.shape[0] == 0 or self._sae.out_dims is not None:
            return
        if self._shift is None:
            self._shift = x[0].clone()
        shifted = x - self._shift
        self._rows += x.shape[0]
        self._sum += shifted.sum(0)
        self._squares += float(shifted.square().sum())
        device = device_of(self._sae)
        for part in self._parts:
            code = part.of(sequence.code).reshape(1, x.shape[0]).to(device)
            with torch.no_grad():
                given = sequence.activations.float().to(device)[None]
                x_hat = self._sae.reconstruct(code, given)[0].cpu().double()
            self._residual[part.name] += float((x - x_hat).square().sum())

    def outcomes(self) -> dict[str, Outcome]:
        if self._sae.out_dims is not None:
            away = LeftOut(
                "the dictionary reconstructs another site than the one it reads, and the store "
                "holds the one it reads alone"
            )
            return {part.figure("fvu"): away for part in self._parts}
        rows = max(self._rows, 1)
        total = self._squares - float(self._sum.square().sum()) / rows
        if total <= 1e-12 * self._squares or total <= 0:
            why = LeftOut("the activations do not vary, so there is no variance to explain")
            return {part.figure("fvu"): why for part in self._parts}
        return {
            part.figure("fvu"): Measured(self._residual[part.name] / total) for part in self._parts
        }
