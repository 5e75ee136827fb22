"""BatchTopK sparsifier: the k * rows largest latents of a batch."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("batch_top_k", example={"k": 4})
class BatchTopK(Sparsifier):
    """BatchTopK sparsifier; the rows of a batch share k.

        training:   z_i = relu(pre_i) where pre_i is among the k * rows largest of the batch, else 0
        inference:  z_i = relu(pre_i) where pre_i > theta, else 0
        theta <- m theta + (1 - m) min{z_i > 0}    after every training step

    ema_decay m: the averaging factor of the threshold, in [0, 1); the first batches weigh evenly.
    threshold theta: [].

    Source: Bussmann et al. 2024, BatchTopK Sparse Autoencoders, arXiv:2412.06410.
    """

    threshold: Tensor
    batches_seen: Tensor

    scale_free = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, k: int, ema_decay: float = 0.95) -> None:
        if not 0 <= ema_decay < 1:
            raise ConfigError(f"got ema_decay={ema_decay}, expected at least 0 and below 1")
        super().__init__(k=checked_k(k), ema_decay=ema_decay)
        self.k, self.ema_decay = k, ema_decay
        self.register_buffer("threshold", torch.tensor(0.0))
        self.register_buffer("batches_seen", torch.tensor(0))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.BatchTopKRule(self.k)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(self.threshold)

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * (pre > self.threshold)

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        values = step.all_values
        # Not a mask: a GPU would have to be waited for, for the number of its entries.
        positive = values.masked_fill(values <= 0, torch.inf)
        least = positive.min() if values.numel() else torch.full_like(self.threshold, torch.inf)
        smallest = step.partition.least(least).nan_to_num(posinf=0.0)
        # The first batches weigh evenly, or the start at zero would linger in a short run.
        keep = (self.batches_seen / (self.batches_seen + 1)).clamp_max(self.ema_decay)
        self.threshold.mul_(keep).add_((1 - keep) * smallest)
        self.batches_seen.add_(1)
