"""Rows that come with the model's loss: for dictionaries that care what the model makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.activations.sampling.batch import Batch
from sparsetime.errors import DataError
from sparsetime.interventions.lm_loss import kl_divergence, loss_gradients
from sparsetime.interventions.logits import next_token_logits


def downstream_batches(
    model: nn.Module,
    tokens: Int[Tensor, "sequences time"],
    site: str,
    *,
    sequences: int = 4,
    seed: int = 0,
) -> Iterator[Batch]:
    """Endless batches of `sequences` times `time` rows of a site, with their `downstream`.

    That is the divergence, in nats a token, of the model's predictions with a reconstruction at
    the site from those without. Every round takes the sequences in another order; it follows from
    `seed`. Give the rows of a batch to training: `train(..., batch=sequences * time)`.

    Errors: DataError where there are fewer sequences than a batch takes; those of `patched`.
    """
    if len(tokens) < sequences:
        raise DataError(
            f"a batch takes {sequences} sequences, and the tokens hold {len(tokens)}; give more "
            "of them, or a smaller `sequences`"
        )
    return _batches(model, tokens, site, sequences, torch.Generator().manual_seed(seed))


def rows_with_gradients(
    model: nn.Module,
    tokens: Int[Tensor, "sequences time"],
    site: str,
    *,
    sequences: int = 16,
) -> dict[str, Float[Tensor, "sequences*time d"]]:
    """Rows of a site and the gradient of the summed next-token loss there: `x` and `gradient`.

    `sequences`: how many run at once. They can be trained on as they are. Errors: as
    `loss_gradients`.
    """
    found = [loss_gradients(model, some, site) for some in tokens.split(sequences)]
    return {
        "x": torch.cat([x.flatten(0, 1).float() for x, _ in found]),
        "gradient": torch.cat([gradient.flatten(0, 1).float() for _, gradient in found]),
    }


def _batches(
    model: nn.Module, tokens: Tensor, site: str, sequences: int, generator: torch.Generator
) -> Iterator[Batch]:
    # Training prepares the next batch in the background, and one pass at a time changes a site.
    alone = Lock()
    while True:
        order = torch.randperm(len(tokens), generator=generator)
        for chosen in order.split(sequences):
            if len(chosen) == sequences:
                yield _batch(model, tokens[chosen.sort().values], site, alone)


def _batch(model: nn.Module, tokens: Int[Tensor, "batch time"], site: str, alone: Lock) -> Batch:
    seen: list[Tensor] = []

    def look(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x

    with alone, torch.no_grad():
        plain = next_token_logits(model, tokens, site, look)

    def downstream(rows: Float[Tensor, "rows d"]) -> Float[Tensor, ""]:
        with alone, _frozen(model):
            return kl_divergence(
                model, tokens, site, lambda x: rows.reshape(x.shape).to(x.device), plain=plain
            )

    return Batch(x=seen[0].flatten(0, 1).float(), downstream=downstream)


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """No gradient flows to the model's own weights, which are not being trained."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
