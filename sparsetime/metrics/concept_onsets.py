"""Onset of a concept over training steps, and its reappearance over layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.errors import MismatchError

NEVER = -1


@final
@dataclass(frozen=True, eq=False)
class ConceptOnsets:
    """When and where a concept is held.

    onset: for each layer the number of the first checkpoint from which on the concept is held, -1
    where it is not held at the last one. held: whether it is, by checkpoint and layer. reappears:
    for each checkpoint the layers that hold it above a layer that does not, while a layer further
    down does.
    """

    onset: Int[np.ndarray, " layers"]
    held: Bool[np.ndarray, "checkpoints layers"]
    reappears: Bool[np.ndarray, "checkpoints layers"]

    @property
    def first(self) -> int:
        """The earliest onset of all layers, -1 where there is none."""
        some = self.onset[self.onset != NEVER]
        return int(some.min()) if len(some) else NEVER


def concept_onsets(
    scores: Float[np.ndarray, "checkpoints layers"],
    control: Float[np.ndarray, " controls"],
    margin: float = 0.05,
) -> ConceptOnsets:
    """Onsets of a concept from its score at each checkpoint and layer.

        held_cl  = score_cl > control_l + margin
        onset_l  = first c with held_c'l for all c' >= c

    scores: such as the AUROC of the best latent on held-out rows, checkpoints in the order of
    training. control: the score of an untrained model, at each layer. margin: by how much the
    control must be exceeded; choose it above the control's own spread.

    Source: Birth of Knowledge (2025), for the question; onset and reappearance are defined here.

    Errors: MismatchError where the control has another number of layers.
    """
    if scores.shape[1] != len(control):
        raise MismatchError(
            f"got scores of {scores.shape[1]} layers and a control of {len(control)}, expected "
            f"one control a layer"
        )
    held = scores > control + margin
    from_here = np.flip(np.logical_and.accumulate(np.flip(held, 0), axis=0), 0)
    onset = np.where(from_here.any(0), from_here.argmax(0), NEVER)
    reappears = np.zeros_like(held)
    for layer in range(2, held.shape[1]):
        gap = ~held[:, layer - 1]
        reappears[:, layer] = held[:, layer] & gap & held[:, : layer - 1].any(1)
    return ConceptOnsets(onset, held, reappears)
