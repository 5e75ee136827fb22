"""How fast a latent moves for how fast the activations move."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
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
class Smoothness(Metric):
    """Smoothness as in the paper on temporal SAEs; smaller is smoother.

    For a latent that is active somewhere in a sequence: the largest, over the steps t from the
    second on, of |f_t - f_{t-1}| / ||x_t - x_{t-1}||_2. Mean over such latents, then over the
    sequences that have any. At least 0, without an upper bound. Steps on which the activations do
    not move at all are passed over, since the ratio is not defined there.

    Latents and activations are both in units of the dictionary's normalised activations, so the
    figure does not depend on the model's scale. The atoms of a dictionary have unit norm.

    Source: Bhalla et al. 2025, "Temporal sparse autoencoders: leveraging the sequential nature of
    language for interpretability", arXiv:2511.05541.
    """

    name: ClassVar = "smoothness"
    specs: ClassVar = {
        "smoothness": MetricSpec(
            "for each latent active in a sequence, the largest over its steps of "
            "|f_t - f_(t-1)| / ||x_t - x_(t-1)||; mean over these latents, then over sequences",
            "from 0 (constant); smaller is smoother",
            "Bhalla et al. 2025, Temporal sparse autoencoders, arXiv:2511.05541",
        )
    }

    def __init__(self, setting: Setting) -> None:
        self._parts = latent_groups(setting.sae)
        self._scale = setting.sae.normalisation.scale.detach().cpu().double()
        self._sum = {part.name: 0.0 for part in self._parts}
        self._sequences = {part.name: 0 for part in self._parts}

    def update(self, sequence: EncodedSequence) -> None:
        normalised = sequence.activations.double() / self._scale
        moved = normalised.diff(dim=0).norm(dim=1).numpy()
        if not (moved > 0).any():
            return
        steepest = _steepest(sequence.code, moved)
        for part in self._parts:
            active = steepest[part.start : part.stop]
            active = active[np.isfinite(active)]
            if len(active):
                self._sum[part.name] += float(active.mean())
                self._sequences[part.name] += 1

    def outcomes(self) -> dict[str, Outcome]:
        why = LeftOut("no sequence has an active latent and two steps between which x moves")
        return {
            part.figure("smoothness"): Measured(self._sum[part.name] / count)
            if (count := self._sequences[part.name])
            else why
            for part in self._parts
        }


def _steepest(
    code: SparseCode, moved: Float[np.ndarray, " steps_less_1"]
) -> Float[np.ndarray, " width"]:
    """The largest ratio of every latent; NaN for one that is never active.

    moved: ||x_t - x_{t-1}|| for t from 1. Only steps at which the latent is active before or
    after can move it, so only those are looked at.
    """
    feature = code.indices.numpy()
    step = code.row_of_entry.numpy()
    value = code.values.detach().double().numpy()
    order = np.lexsort((step, feature))
    feature, step, value = feature[order], step[order], value[order]
    neighbours = (feature[1:] == feature[:-1]) & (step[1:] == step[:-1] + 1)
    from_before = np.append(False, neighbours)[: len(step)]
    goes_on = np.append(neighbours, False)[: len(step)]
    before = np.where(from_before, np.roll(value, 1), 0.0)
    up = np.abs(value - before)
    steepest = np.full(code.width, np.nan)
    steepest[feature] = 0.0
    _raise(steepest, feature, step - 1, up, moved)
    _raise(steepest, feature[~goes_on], step[~goes_on], np.abs(value[~goes_on]), moved)
    return steepest


def _raise(
    steepest: Float[np.ndarray, " width"],
    feature: np.ndarray,
    pair: np.ndarray,
    change: np.ndarray,
    moved: Float[np.ndarray, " steps_less_1"],
) -> None:
    inside = (pair >= 0) & (pair < len(moved))
    feature, pair, change = feature[inside], pair[inside], change[inside]
    defined = moved[pair] > 0
    np.maximum.at(steepest, feature[defined], change[defined] / moved[pair[defined]])
