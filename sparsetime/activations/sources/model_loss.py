"""Rows with the model's loss or its gradient, for dictionaries trained through the model."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.activations.sampling.batch import Batch
from sparsetime.errors import DataError
from sparsetime.interventions.lm_loss import kl_divergence, loss_gradients
from sparsetime.interventions.logits import next_token_logits
from sparsetime.models.constant_parameters import constant_parameters


def downstream_batches(
    model: nn.Module,
    tokens: Int[Tensor, "sequences time"],
    site: str,
    *,
    sequences: int = 4,
    seed: int = 0,
) -> Iterator[Batch]:
    """Endless batches of `sequences` times `time` rows of a site, with their `downstream`.

    `downstream` is KL(original || reconstructed) of the next-token distributions, in nats a token,
    with a reconstruction at the site. Every round takes the sequences in another random order, a
    function of `seed`. Give the rows of a batch to training: `train(..., batch=sequences * time)`.

    Errors: DataError where there are fewer sequences than a batch takes; those of `patched`.
    """
    if len(tokens) < sequences:
        raise DataError(
            f"a batch takes {sequences} sequences, and the tokens hold {len(tokens)}; give more "
            "of them, or a smaller `sequences`"
        )
    generator = seeds.torch_generator(seed, "order of sequences")
    return _batches(model, tokens, site, sequences, generator)


def rows_with_gradients(
    model: nn.Module,
    tokens: Int[Tensor, "sequences time"],
    site: str,
    *,
    sequences: int = 16,
) -> dict[str, Float[Tensor, "sequences*time d"]]:
    """Rows of a site and the gradient of the summed next-token loss there: `x` and `gradient`.

    `sequences`: how many run at once. Training takes the result as it is. Errors: as
    `loss_gradients`.
    """
    chunks = [loss_gradients(model, chunk, site) for chunk in tokens.split(sequences)]
    return {
        "x": torch.cat([x.flatten(0, 1).float() for x, _ in chunks]),
        "gradient": torch.cat([gradient.flatten(0, 1).float() for _, gradient in chunks]),
    }


def _batches(
    model: nn.Module, tokens: Tensor, site: str, sequences: int, generator: torch.Generator
) -> Iterator[Batch]:
    # Training prepares the next batch in a background thread, and two passes that patch one site
    # would see each other's hooks.
    one_pass = Lock()
    while True:
        order = torch.randperm(len(tokens), generator=generator)
        for chosen in order.split(sequences):
            if len(chosen) == sequences:
                yield _batch(model, tokens[chosen.sort().values], site, one_pass)


def _batch(model: nn.Module, tokens: Int[Tensor, "batch time"], site: str, one_pass: Lock) -> Batch:
    recorded: list[Tensor] = []

    def record(x: Tensor) -> Tensor:
        recorded.append(x.detach())
        return x

    with one_pass, torch.no_grad():
        plain = next_token_logits(model, tokens, site, record)

    def downstream(rows: Float[Tensor, "rows d"]) -> Float[Tensor, ""]:
        with one_pass, constant_parameters(model):
            return kl_divergence(
                model, tokens, site, lambda x: rows.reshape(x.shape).to(x.device), plain=plain
            )

    return Batch(x=recorded[0].flatten(0, 1).float(), downstream=downstream)
