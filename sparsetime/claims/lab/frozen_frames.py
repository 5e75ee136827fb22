"""Gestures of two strokes as vectors of a frozen frame model, and frames in a random order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.lab.clip_classifier import Labelled
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.objective import compose_objective
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.testbeds.clips.generate import gesture_clips
from sparsetime.testbeds.clips.motions import STROKES

GESTURES = [f"{a} then {b}" for a in STROKES for b in STROKES if a != b]
_TEST = 1_000_000  # added to the seed of test clips
_STEPS, _BATCH, _RATE = 150, 32, 3e-3


def frozen_gestures(
    count: int, frames: int, size: int, d: int, seed: int
) -> tuple[Labelled, Labelled]:
    """Vectors [clips, frames, d] of gestures and their numbers, for training and for the test.

    The frame model reads one frame at a time, and was trained without labels to rebuild frames of
    the training clips. Its vectors are standardised on the training clips.
    """
    parts = [_pixels(count, frames, size, seed + offset) for offset in (0, _TEST)]
    view = {"kind": "tubes", "frames": 1, "pixels": size, "height": size, "width": size}
    model = compose_model(view, {"kind": "conv", "width": 1}, d=d, seed=seed)
    settings = {"steps": _STEPS, "batch": _BATCH, "learning_rate": _RATE, "seed": seed}
    # A frame is a sequence of its own, so that no vector holds its time.
    alone = [pixels.flatten(0, 1)[:, None] for pixels, _ in parts]
    pretrain_briefly(model, alone[0], compose_objective("rebuild"), **settings)
    vectors = [vectors_of(model, x)[:, 0].unflatten(0, (-1, frames)) for x in alone]
    mean, spread = vectors[0].mean((0, 1)), vectors[0].std((0, 1)).clamp_min(1e-6)
    train, test = (
        ((x - mean) / spread, labels) for x, (_, labels) in zip(vectors, parts, strict=True)
    )
    return train, test


def in_random_order(data: Labelled, seed: int) -> Labelled:
    """The same sequences, with the steps of each in an order of its own."""
    x, labels = data
    draw = seeds.torch_generator(seed, "random choice", len(x))
    order = torch.rand(x.shape[:2], generator=draw).argsort(1)
    return x[torch.arange(len(x))[:, None], order], labels


def _pixels(count: int, frames: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    made = gesture_clips(count, frames, size, seed=seed)
    pixels = np.stack([one.frames for one in made]).astype(np.float32) / 255
    labels = torch.tensor([GESTURES.index(str(one.document.labels["gesture"])) for one in made])
    return torch.from_numpy((pixels - 0.15) / 0.2), labels
