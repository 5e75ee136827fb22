"""True directions of SynthSAEBench: random unit vectors, moved apart by gradient descent."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.progress import progress
from sparsetime.testbeds.synthsaebench.settings import SynthSAEBenchSettings


def feature_vectors(
    settings: SynthSAEBenchSettings, show: bool = False
) -> Float[Tensor, "features d"]:
    """Unit vectors after `orthogonalise_steps` steps of Adam on.

    sum over i != j of (v_i . v_j)^2 + features * sum over i of (|v_i|^2 - 1)^2
    """
    generator = seeds.torch_generator(settings.seed, "SynthSAEBench vectors")
    start = torch.randn(settings.features, settings.d, generator=generator)
    vectors = torch.nn.functional.normalize(start)
    optimiser = torch.optim.Adam([vectors], lr=settings.orthogonalise_rate)
    steps = settings.orthogonalise_steps
    with progress("orthogonalise features", steps, "steps", show) as bar:
        for _ in range(steps):
            vectors.grad = _gradient(vectors)
            optimiser.step()
            bar.advance()
    return torch.nn.functional.normalize(vectors)


def _gradient(vectors: Float[Tensor, "features d"]) -> Float[Tensor, "features d"]:
    """The gradient in closed form: all cosines at once cost features * d^2, not features^2 * d."""
    squares = vectors.square().sum(dim=1, keepdim=True)
    all_pairs = vectors @ (vectors.T @ vectors)
    return 4 * (all_pairs - squares * vectors) + 4 * len(vectors) * (squares - 1) * vectors
