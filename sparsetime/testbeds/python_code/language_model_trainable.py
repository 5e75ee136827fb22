"""The Python-source testbed's language model in training: cross-entropy, Muon and AdamW.

Muon: Jordan et al., "Muon: An optimizer for hidden layers in neural networks".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.testbeds.python_code.model import fresh_model
from sparsetime.testbeds.python_code.settings import LanguageModelTraining
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.schedule import warmup_linear_decay


@final
class LanguageModelTrainable(ModuleTrainable[Int[Tensor, "batch context"]]):
    """A fresh language model with its optimisers.

    Errors: ConfigError where torch is older than 2.9, which has no Muon.
    """

    def __init__(self, settings: LanguageModelTraining) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(
                f"training the code model needs torch.optim.Muon, which torch {torch.__version__} "
                f"lacks; install torch 2.9 or later. Using the shipped model needs no training"
            )
        model = fresh_model(settings.model, settings.seed)
        super().__init__(
            "the code model",
            model,
            _optimisers(model, settings),
            lambda step: (
                settings.learning_rate * warmup_linear_decay(step, settings.steps, settings.warmup)
            ),
            settings.clip,
        )

    def loss(self, batch: Int[Tensor, "batch context"], number: int) -> Float[Tensor, ""]:
        """The mean cross-entropy of every token after the first, in nats."""
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.module(input_ids=batch).logits
        return nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), batch[:, 1:].flatten()
        )

    def metrics(self) -> dict[str, Any]:
        """The loss of the last step in nats a token, to five digits."""
        return {"loss": round(self.last_loss, 5)}


def token_batches(
    tokens: Int[Tensor, " tokens"], settings: LanguageModelTraining, skip: int
) -> Iterator[Int[Tensor, "batch context"]]:
    """Shuffled windows without end, each after the token that begins a text.

    Every epoch cuts the stream at another offset, so that no token always lacks its context. skip:
    batches left out at the beginning.
    """
    length = settings.model.context - 1
    count = 0
    for epoch in range(1 << 30):
        random = seeds.numpy_generator(settings.seed, "order of windows", epoch)
        offset = int(random.integers(length))
        windows = tokens[offset:].unfold(0, length, length)
        order = torch.from_numpy(random.permutation(len(windows)))
        for chosen in order.split(settings.batch)[: len(windows) // settings.batch]:
            count += 1
            if count > skip:
                yield nn.functional.pad(windows[chosen], (1, 0), value=0)


def _optimisers(
    model: nn.Module, settings: LanguageModelTraining
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    outer = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed" in n]
    rate, decay = settings.learning_rate, settings.weight_decay
    muon = torch.optim.Muon(inner, rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(outer, rate, betas=(0.9, 0.98), weight_decay=0.0)
    return muon, adam
