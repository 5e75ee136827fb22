"""Base of the sparsifiers that draw random numbers in training."""

from __future__ import annotations

from abc import ABC
from typing import Any

import torch
from torch import Tensor

from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier


class NoisySparsifier(Sparsifier, ABC):
    """A sparsifier that is random in training.

    What it draws follows from `noise_seed` and `steps_seen`, so that a resumed run draws the same.

    noise_seed: drawn with the initial weights, so that it differs between seeds of dictionaries.
    steps_seen: number of optimiser steps.
    """

    noise_seed: Tensor
    steps_seen: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register_buffer("noise_seed", torch.tensor(0))
        self.register_buffer("steps_seen", torch.tensor(0))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        self.noise_seed.copy_(torch.randint(1 << 31, (), generator=generator))

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        self.steps_seen.add_(1)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        # Files of 0.1.0 have no seed of the noise.
        state_dict.setdefault(f"{prefix}noise_seed", torch.tensor(0))
        super()._load_from_state_dict(state_dict, prefix, *others)
