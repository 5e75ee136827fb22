"""Activations with known features, small enough for tests."""

import torch

from sparsetime import seeds


def planted(rows=2000, d=16, features=40, active=2, seed=0, sequences=None):
    """Sparse sums of unit directions: [rows, d], or [sequences, time, d] with slow features.

    In sequences every feature that is on stays on for some steps, so that neighbours resemble
    each other.
    """
    directions = torch.randn(features, d, generator=seeds.torch_generator(seed, "planted atoms"))
    directions /= directions.norm(dim=1, keepdim=True)
    chance = active / features
    generator = seeds.torch_generator(seed, "planted codes")
    on = (torch.rand(rows, features, generator=generator) < chance).float()
    strength = on * (0.5 + torch.rand(rows, features, generator=generator))
    if sequences is not None:
        strength = strength.repeat_interleave(4, 0)[:rows]
    noise = torch.randn(rows, d, generator=seeds.torch_generator(seed, "planted noise"))
    x = strength @ directions + 0.01 * noise + 0.3
    return x if sequences is None else x.reshape(sequences, rows // sequences, d)
