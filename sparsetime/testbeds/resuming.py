"""Where the training of a testbed's model stands, as tensors: weights, and what optimisers keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def packed(
    weights: Mapping[str, Tensor], optimisers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """All of it by names that `unpacked` reads."""
    tensors = {f"model/{name}": value for name, value in weights.items()}
    for number, optimiser in enumerate(optimisers):
        for parameter, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser/{number}/{parameter}/{name}"] = torch.as_tensor(value)
    return tensors


def unpacked(
    tensors: Mapping[str, Tensor], optimisers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """Put the optimisers back where they stood; returns the weights."""
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimisers]
    weights = {}
    for key, value in tensors.items():
        head, _, rest = key.partition("/")
        if head == "model":
            weights[rest] = value
        elif head == "optimiser":
            number, parameter, name = rest.split("/")
            states[int(number)].setdefault(int(parameter), {})[name] = value
    for optimiser, state in zip(optimisers, states, strict=True):
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
    return weights


def rise_and_fall(step: int, steps: int, warmup: int) -> float:
    """The share of the learning rate at a step: a rise to 1, and a straight line to 0."""
    rise = min(1.0, (step + 1) / max(1, warmup))
    return min(rise, 1 - max(0, step - warmup) / max(1, steps - warmup))
