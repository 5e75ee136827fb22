"""Made clips as tensors, and probes of what moves in them on frozen vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.claims.lab.frozen_probes import probe_accuracy
from sparsetime.claims.lab.short_pretraining import vectors_of
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.clips.clip import Clip
from sparsetime.testbeds.clips.generate import clips

_TEST = 1_000_000  # added to the seed of test clips


@final
@dataclass(frozen=True, eq=False)
class ClipTensors:
    """Clips of one moving shape, values about standardised, with the numbers of motion and shape.

    masks: 1 where the shape is seen, 0 elsewhere.
    """

    frames: Float[Tensor, "clips frames height width 3"]
    motion: Int[Tensor, " clips"]
    shape: Int[Tensor, " clips"]
    masks: Int[Tensor, "clips frames height width"]


def clip_tensors(
    count: int, frames: int, seed: int, size: int = 32
) -> tuple[ClipTensors, ClipTensors]:
    """`count` clips for training and as many for the test."""
    return (
        _tensors(clips(count, frames, size, seed=seed)),
        _tensors(clips(count, frames, size, seed=seed + _TEST)),
    )


def motion_accuracy(model: SequenceModel, train: ClipTensors, test: ClipTensors) -> float:
    """Accuracy of a probe of the motion on the mean vector of every clip."""
    x, x_test = (clip_vectors(model, one.frames) for one in (train, test))
    return probe_accuracy(x, train.motion, x_test, test.motion)


def clip_vectors(
    model: SequenceModel, frames: Float[Tensor, "clips frames height width 3"]
) -> Float[Tensor, "clips d"]:
    """The mean vector of every clip."""
    return vectors_of(model, frames).mean(1)


def _tensors(made: list[Clip]) -> ClipTensors:
    motions = sorted({one.objects[0].motion for one in made})
    shapes = sorted({one.objects[0].shape for one in made})
    pixels = np.stack([one.frames for one in made]).astype(np.float32) / 255
    return ClipTensors(
        torch.from_numpy((pixels - 0.15) / 0.2),
        torch.tensor([motions.index(one.objects[0].motion) for one in made]),
        torch.tensor([shapes.index(one.objects[0].shape) for one in made]),
        torch.from_numpy(np.stack([one.masks for one in made]).astype(np.int64)),
    )
