"""Windows of Python source and the calls of the Python-source model's attention on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.attention.attend_model import attend
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recorded_calls import recorded_calls
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.python_code.pretrained import code_model
from sparsetime.testbeds.python_code.stdlib_source import modules

WINDOW = 256


@cache
def _model() -> LoadedModel:
    return code_model()


@cache
def _documents(held_out: bool) -> list[Tensor]:
    """Tokens of the modules that are long enough, held out from the model's training or not."""
    tokenizer = _model().tokenizer
    assert tokenizer is not None
    chosen = [module for module in modules() if module.held_out == held_out]
    encoded = (tokenizer(module.text[:20_000])["input_ids"] for module in chosen[:60])
    return [torch.tensor(ids) for ids in encoded if len(ids) >= 2 * WINDOW]


def python_windows(
    seed: int, count: int, length: int = WINDOW, held_out: bool = True
) -> Int[Tensor, "count length"]:
    """Windows of modules, each of another module, at random places.

    held_out: of modules that the model was not trained on; others are for calibration.
    """
    rng = seeds.numpy_generator(seed, "random choice", "python windows", int(held_out))
    documents = _documents(held_out)
    rows = []
    for number in rng.permutation(len(documents))[:count]:
        tokens = documents[int(number)]
        begin = int(rng.integers(0, len(tokens) - length))
        rows.append(tokens[begin : begin + length])
    return torch.stack(rows)


def calls_on(tokens: Int[Tensor, "n time"]) -> list[AttentionInputs]:
    """Calls of the Python-source model's attention modules, one a module."""
    return recorded_calls(_model(), tokens)


def loss_under(
    policy: AttentionPolicy | None, tokens: Int[Tensor, "n time"], model: LoadedModel | None = None
) -> float:
    """Mean loss of next tokens in nats; of the dense model without a policy."""
    loaded = model or _model()
    with torch.no_grad():
        if policy is None:
            return float(next_token_loss(loaded.model, tokens))
        with attend(loaded, prefill=policy, record=False):
            return float(next_token_loss(loaded.model, tokens))


def mean_of(values: Sequence[Tensor]) -> float:
    """Mean over all numbers of several tensors."""
    return float(torch.cat([value.flatten() for value in values]).double().mean())


def sparsity_of(patterns: Sequence[AttentionPattern]) -> float:
    """Share of the readable pairs that patterns leave out, where each weighs as its model does."""
    shares = [pattern.pairs / pattern.readable_pairs for pattern in patterns]
    return 1 - sum(shares) / len(shares)
