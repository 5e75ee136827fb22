"""Dictionaries of functions and lifted ones, on cases with a known answer."""

import math

import pytest
import torch

import sparsetime as st
from sparsetime.dictionaries.encoders.lifted import LiftedEncoder
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis, resampled
from sparsetime.dictionaries.function_spaces.resolution import at_resolution
from sparsetime.errors import ConfigError


def grid(points):
    return torch.arange(points) / points


def waves(points, rows=40, seed=0):
    """Random functions of periods 0 to 3, the same on every grid."""
    generator = torch.Generator().manual_seed(seed)
    amount = torch.randn(rows, 4, 2, generator=generator)
    angle = 2 * math.pi * torch.arange(4)[:, None] * grid(points)
    return amount[..., 0] @ angle.cos() + amount[..., 1] @ angle.sin()


@pytest.mark.parametrize("points", [7, 8])
def test_the_basis_is_orthonormal_and_says_what_it_says(points):
    basis = fourier_basis(4, points)
    torch.testing.assert_close(basis @ basis.T, torch.eye(7), atol=1e-6, rtol=0)
    wave = (2 * math.pi * 2 * grid(points)).cos()
    products = basis @ wave
    assert products.abs().argmax() == 2  # the constant, one period, two periods
    torch.testing.assert_close(products @ basis, wave, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("few", "many"), [(9, 16), (16, 9), (8, 32), (16, 16)])
def test_smooth_functions_are_resampled_exactly(few, many):
    torch.testing.assert_close(resampled(waves(few), many), waves(many), atol=1e-4, rtol=0)


@pytest.mark.parametrize("points", [24, 64, 33])
def test_a_function_has_the_same_code_on_another_grid(points, tmp_path):
    sae = st.dictionary("sae_no", d_in=32, width=48, k=4, modes=5)
    run = st.train(
        sae, waves(32, 600), out=tmp_path, rows=2000, batch=100, learning_rate=3e-3, show=False
    )
    moved = at_resolution(run.dictionary, points)
    here, there = sae.encode(waves(32, seed=1)), moved.encode(waves(points, seed=1))
    assert torch.equal(here.indices, there.indices)
    torch.testing.assert_close(here.values, there.values, rtol=1e-3, atol=1e-4)
    found, same = moved(waves(points, seed=1)), resampled(sae(waves(32, seed=1)), points)
    torch.testing.assert_close(found.detach(), same.detach(), rtol=1e-3, atol=1e-3)
    assert sae.d_in == 32
    moved.save(tmp_path / "moved")
    assert st.load(tmp_path / "moved").d_in == points


def test_atoms_are_smooth_and_of_length_one():
    sae = st.dictionary("sae_no", d_in=32, width=48, k=4, modes=3)
    atoms = sae.atoms.detach()
    torch.testing.assert_close(atoms.norm(dim=1), torch.ones(48))
    assert torch.fft.rfft(atoms)[:, 3:].abs().max() < 1e-5
    rough = (math.pi * torch.arange(32)).cos()[None]  # up and down from point to point
    code = sae.encode(5 * rough)
    assert code.values.abs().sum() < 1e-4


def test_only_functions_are_moved_to_another_grid():
    plain = st.dictionary("topk", d_in=16, width=32, k=2)
    with pytest.raises(
        ConfigError, match=r"got .*'linear'.*, expected .* alone can be moved to another grid"
    ):
        at_resolution(plain, 32)
    sae = st.dictionary("sae_no", d_in=32, width=48, k=4, modes=5)
    with pytest.raises(ConfigError, match="got modes=5, expected 1 to 4 Fourier modes of 8 points"):
        at_resolution(sae, 8)


def test_a_lifting_keeps_lengths_and_the_first_directions():
    sae = st.dictionary("lifted_sae", d_in=6, width=20, k=2, lift=9)
    lifting = sae.encoder.lifting.detach()
    torch.testing.assert_close(lifting.T @ lifting, torch.eye(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(sae.encoder.directions(), sae.atoms, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(sae.atoms.norm(dim=1), torch.ones(20))


def test_a_lifted_latent_is_a_dot_product_in_the_lifted_space():
    encoder = LiftedEncoder(d_in=2, width=2, lift=3)
    with torch.no_grad():
        encoder.lifting.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        encoder.weight.copy_(torch.tensor([[0.0, 0.0, 2.0], [1.0, -1.0, 0.0]]))
    pre = encoder.preacts_of(torch.tensor([[3.0, 4.0]]), torch.arange(2))
    assert pre.tolist() == [[14.0, -1.0]]


def test_a_lifted_space_is_not_smaller():
    with pytest.raises(ConfigError, match="got lift=5, expected at least"):
        st.dictionary("lifted_sae", d_in=6, width=20, k=2, lift=5)
