"""Short pretrainings in temporary folders, without output, and the vectors that they leave."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime.pretraining.objective import PretrainingObjective
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm
from sparsetime.pretraining.pretrain import PretrainingRun, pretrain
from sparsetime.sequence_models.model import SequenceModel


def pretrain_briefly(
    model: SequenceModel, data: Any, objective: PretrainingObjective, **settings: Any
) -> SequenceModel:
    """Pretrain a model in place, with settings of `PretrainConfig`; in evaluation mode."""
    return _run(model, data, objective, settings).model


def pretrained_terms(
    model: SequenceModel, data: Any, objective: PretrainingObjective, **settings: Any
) -> tuple[PretrainingTerm, ...]:
    """As `pretrain_briefly`; the terms of the objective, such as one with a learnt mask."""
    return _run(model, data, objective, settings).terms


def seconds_a_step(
    model: SequenceModel, data: Any, objective: PretrainingObjective, **settings: Any
) -> float:
    """The median time of the steps of a short pretraining, but for the first two."""
    ends: list[float] = []
    own = {"log_every": 1, "on_log": lambda _, line: ends.append(line["seconds"])}
    _run(model, data, objective, {**own, **settings})
    return float(np.median(np.diff(ends)[1:]))


def _run(
    model: SequenceModel, data: Any, objective: PretrainingObjective, settings: dict[str, Any]
) -> PretrainingRun:
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        settings = {"log_every": 10**6, "checkpoint_every": 10**6, **settings}
        return pretrain(model, data, objective, out=folder, show=False, **settings)


@torch.no_grad()
def vectors_of(
    model: SequenceModel, x: Shaped[Tensor, "sequences steps ..."], batch: int = 64
) -> Float[Tensor, "sequences time d"]:
    """The vectors of every sequence, in batches."""
    return torch.cat([model.encode(part) for part in x.split(batch)])
