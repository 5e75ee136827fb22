"""Networks for the digits: multilayer perceptrons of given widths."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from sparsetime import seeds


def digit_net(*hidden: int, seed: int) -> nn.Sequential:
    """Linear layers with ReLU between them, from 64 pixels over the hidden widths to 10 classes."""
    sizes = (64, *hidden, 10)
    with seeds.torch_globals(seed, "initial weights of a digit net"):
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
