"""Small classifiers of made clips: a vector a frame, a mixer over time, logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.lab.sequence_training import train_sequence_model
from sparsetime.sequence_models.compose_model import Described, compose_model
from sparsetime.sequence_models.model import SequenceModel

Labelled = tuple[Float[Tensor, "clips frames ..."], Int[Tensor, " clips"]]


def frame_classifier(
    clips: Float[Tensor, "clips frames height width 3"],
    mixers: list[Described],
    classes: int,
    d: int,
    seed: int,
) -> SequenceModel:
    """A model whose view is a linear map of every frame, with mixers over the frames."""
    height, width, channels = clips.shape[2:]
    view: dict[str, Any] = {"kind": "tubes", "frames": 1, "pixels": height}
    return compose_model(
        view | {"height": height, "width": width, "channels": channels},
        mixers,
        "label",
        d=d,
        seed=seed,
        classes=classes,
    )


def train_classifier(
    model: SequenceModel, data: Labelled, *, steps: int, batch: int, rate: float, seed: int
) -> SequenceModel:
    """Trains a model in place on whole sequences, of which the last step's logits count."""
    batches = _batches(data, steps, batch, seed)
    return train_sequence_model(model, batches, _loss, steps=steps, learning_rate=rate)


@torch.no_grad()
def last_accuracy(model: SequenceModel, data: Labelled) -> float:
    """Share of sequences whose class the last step's logits give."""
    return float((_logits(model, data[0]).argmax(1) == data[1]).float().mean())


def _batches(data: Labelled, steps: int, batch: int, seed: int) -> Iterator[Labelled]:
    for step in range(steps):
        draw = seeds.torch_generator(seed, "order of a short training", step)
        rows = torch.randint(len(data[0]), (batch,), generator=draw)
        yield data[0][rows], data[1][rows]


def _logits(model: SequenceModel, x: Tensor) -> Tensor:
    output = model(x)
    assert isinstance(output, Tensor)
    return output[:, -1]


def _loss(model: SequenceModel, batch: Labelled) -> Tensor:
    return nn.functional.cross_entropy(_logits(model, batch[0]), batch[1])
