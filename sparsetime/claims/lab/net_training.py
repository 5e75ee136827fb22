"""Short trainings of networks that claims compare, with and without a plan."""

from __future__ import annotations

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.computation.model_data import ModelBatch
from sparsetime.computation.model_loss import sequence_losses
from sparsetime.computation.sparse import Sparse
from sparsetime.errors import ConfigError


def train_net(
    model: nn.Module,
    inputs: Shaped[Tensor, "rows ..."],
    targets: Shaped[Tensor, "rows ..."] | None = None,
    *,
    steps: int,
    batch: int = 128,
    learning_rate: float = 1e-3,
    seed: int,
    sparse: Sparse | None = None,
) -> float:
    """Train in place by Adam with a learning rate that falls to zero by a cosine; mean last loss.

    inputs: rows, or windows of tokens [rows, time] where there are no targets. sparse: attached to
    the optimiser. The order of rows follows from the seed alone, so that arms of one seed read the
    same batches. Returned is the mean loss of the last tenth of the steps.

    Errors: ConfigError where there are fewer rows than a batch.
    """
    if len(inputs) < batch:
        raise ConfigError(f"got {len(inputs)} rows, expected at least a batch of {batch}")
    optimiser = torch.optim.Adam(model.parameters(), learning_rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    if sparse is not None:
        sparse.attach(optimiser)
    model.train()
    losses, order = [], torch.empty(0, dtype=torch.long)
    epoch = 0
    for _ in range(steps):
        if len(order) < batch:
            generator = seeds.torch_generator(seed, "order of a short training", epoch)
            order, epoch = torch.randperm(len(inputs), generator=generator), epoch + 1
        rows, order = order[:batch], order[batch:]
        part = ModelBatch(inputs[rows], (), None if targets is None else targets[rows])
        loss = sequence_losses(model, part).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    if sparse is not None:
        sparse.detach()
    model.eval()
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


@torch.no_grad()
def accuracy(
    model: nn.Module, inputs: Shaped[Tensor, "rows ..."], classes: Shaped[Tensor, " rows"]
) -> float:
    """The share of rows whose largest output is their class."""
    return float((model(inputs).argmax(1) == classes).float().mean())


@torch.no_grad()
def mean_loss(
    model: nn.Module,
    inputs: Shaped[Tensor, "rows ..."],
    targets: Shaped[Tensor, "rows ..."] | None = None,
) -> float:
    """The mean loss over rows, in nats."""
    total = 0.0
    for begin in range(0, len(inputs), 256):
        rows = slice(begin, begin + 256)
        part = ModelBatch(inputs[rows], (), None if targets is None else targets[rows])
        total += float(sequence_losses(model, part).sum())
    return total / len(inputs)
