"""Planted functions, and how long a training must be to recover them."""

import pytest
import torch

from sparsetime.claims.lab.planted_functions import planted_functions
from sparsetime.claims.lab.steps_to_recovery import steps_to_recover
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import ConfigError


def test_functions_are_the_same_on_every_grid():
    planted = planted_functions(0, rows=50, width=6, modes=4, active=2.0, noise=0.0, points=16)
    fine, coarse = planted.clean(32), planted.clean(16)
    torch.testing.assert_close(fine[:, ::2], coarse, atol=1e-5, rtol=0)
    torch.testing.assert_close(planted.atoms(32).norm(dim=1), torch.ones(6))
    torch.testing.assert_close(coarse, planted.strengths @ planted.atoms(16))
    assert torch.equal(planted.rows(16), coarse)


def test_noise_is_as_loud_as_it_says():
    planted = planted_functions(0, rows=2000, width=6, modes=4, noise=0.3, points=16)
    for points in (16, 32):
        noise = (planted.rows(points) - planted.clean(points)) @ fourier_basis(4, points).T
        signal = planted.clean(points) @ fourier_basis(4, points).T
        assert (noise.std() / signal.std()).item() == pytest.approx(
            0.3 / (planted.clean(16) @ fourier_basis(4, 16).T).std().item(), rel=0.03
        )
    assert torch.equal(planted.rows(16), planted.rows(16))


def test_the_first_training_that_is_long_enough_is_found():
    planted = planted_functions(1, rows=3000, width=6, modes=4, active=1.0, noise=0.0, points=16)
    x, atoms = planted.rows(16), planted.atoms(16)

    def make():
        return dictionary("sae_no", d_in=16, width=24, k=2, modes=4)

    found = steps_to_recover(make, x, atoms, steps=(1, 200), share=0.8, seed=0)
    assert found == 200
    assert steps_to_recover(make, x, atoms, steps=(1,), share=0.99, seed=0) == 2
    assert steps_to_recover(make, x, atoms, steps=(1, 2), share=0.0, seed=0) == 1


def test_steps_must_ascend():
    with pytest.raises(ConfigError, match=r"got \(4, 2\), expected numbers of steps that ascend"):
        steps_to_recover(
            lambda: dictionary("topk", d_in=4, width=8, k=1),
            torch.eye(4),
            torch.eye(4),
            steps=(4, 2),
            share=0.5,
            seed=0,
        )
