"""The series testbed's patch transformer in training: masked patches, AdamW, mean square error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.testbeds.series.auckland import Counts
from sparsetime.testbeds.series.model import SeriesModel, fresh_model
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.windows import training_windows
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.schedule import warmup_linear_decay

#: Windows of the series, and which of their patches are masked.
MaskedWindows: TypeAlias = tuple[
    Float[Tensor, "batch patches hours"], Bool[Tensor, "batch patches"]
]


@final
class PatchTransformerTrainable(ModuleTrainable[MaskedWindows]):
    """A fresh patch transformer with its optimiser."""

    def __init__(self, settings: PatchTransformerTraining) -> None:
        model = fresh_model(settings.model, settings.seed)
        optimiser = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        super().__init__(
            "the series model",
            model,
            [optimiser],
            lambda step: (
                settings.learning_rate * warmup_linear_decay(step, settings.steps, settings.warmup)
            ),
            settings.clip,
        )

    @property
    def model(self) -> SeriesModel:
        return cast(SeriesModel, self.module)

    def loss(self, batch: MaskedWindows, number: int) -> Float[Tensor, ""]:
        """The mean square error of the masked patches."""
        return masked_patch_error(self.model, *batch)


def masked_patch_error(
    model: SeriesModel,
    values: Float[Tensor, "batch patches hours"],
    masked: Bool[Tensor, "batch patches"],
) -> Float[Tensor, ""]:
    """The mean square error of the patches that the model did not see: those are zeros in."""
    prediction = model(values.masked_fill(masked[..., None], 0.0))
    return nn.functional.mse_loss(prediction[masked], values[masked])


def masked_windows(
    data: Counts, settings: PatchTransformerTraining, skip: int
) -> Iterator[MaskedWindows]:
    """Random windows and masks for every step but the first `skip`.

    The generator draws for skipped steps too, so that the rest gets the same numbers.
    """
    random = seeds.numpy_generator(settings.seed, "masked patches in training")
    starts = training_windows(data, settings.model.hours)
    for step in range(settings.steps):
        chosen = starts[random.integers(len(starts), size=settings.batch)]
        draws = random.random((settings.batch, settings.model.patches))
        if step >= skip:
            masked = torch.from_numpy(draws < settings.masked)
            yield _values(data, chosen, settings), masked


def _values(
    data: Counts, chosen: NDArray[np.int64], settings: PatchTransformerTraining
) -> Float[Tensor, "batch patches hours"]:
    """The counts of (sensor, first hour) pairs, cut into patches."""
    model = settings.model
    hours = chosen[:, 1:] + np.arange(model.hours)
    values = torch.from_numpy(data.values[hours, chosen[:, :1]])
    return values.reshape(-1, model.patches, model.patch)
