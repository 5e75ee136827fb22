"""Encoders against one another, where two of them must say the same."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime import kernels
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import DenseEncoder, LinearEncoder
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.sparsifiers import AbsTopK, BatchTopK, ReLU, TopK
from sparsetime.kernels import ThresholdRule, TopKPerRowRule

RULES = {
    "top_k": kernels.TopKRule(3),
    "abs_top_k": kernels.AbsTopKRule(3),
    "above": ThresholdRule(torch.tensor(0.4)),
    "each": TopKPerRowRule(torch.arange(90) % 5),
}


class Product(DenseEncoder):
    """The linear encoder as a dense one would be written; not registered, so never saved."""

    kind = "product"

    def __init__(self, linear):
        super().__init__()
        self.d_in, self.width, self.linear = linear.d_in, linear.width, linear

    def pre_activations(self, x):
        return x @ self.linear.weight.T + self.linear.bias

    def init_from(self, directions):
        self.linear.init_from(directions)


@pytest.fixture
def linear():
    encoder = LinearEncoder(8, 30)
    torch.manual_seed(0)
    encoder.init_from(torch.randn(30, 8))
    with torch.no_grad():
        encoder.bias.copy_(torch.randn(30) / 5)
    return encoder


def gradients(values, encoder):
    return torch.autograd.grad(values.square().sum(), [encoder.weight, encoder.bias])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_dense_encoder_finds_what_the_linear_one_finds(linear, rule, monkeypatch):
    from sparsetime.dictionaries.encoders import dense

    monkeypatch.setattr(dense, "_TILE_ELEMENTS", 30 * 32)  # tiles of 32 rows, the last of 26
    x = planted(90, d=8)
    for name, arguments in {"selected": (torch.float32,), "encoded": ()}.items():
        support, values = getattr(linear, name)(x, rule, *arguments)
        other, dense_values = getattr(Product(linear), name)(x, rule, *arguments)
        assert torch.equal(support.offsets, other.offsets)
        assert torch.equal(support.indices, other.indices)
        torch.testing.assert_close(values, dense_values)
    support, values = linear.selected(x, rule, torch.float32)
    _, dense_values = Product(linear).selected(x, rule, torch.float32)
    for a, b in zip(gradients(values, linear), gradients(dense_values, linear), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_dense_encoder_helps_dead_latents_alike(linear):
    x, dead = planted(40, d=8), torch.tensor([1, 4, 5, 11, 20])
    among, other = (one.topk_among(x, dead, 2) for one in (linear, Product(linear)))
    assert torch.equal(among.indices, other.indices) and torch.equal(among.offsets, other.offsets)
    torch.testing.assert_close(linear.preacts_of(x, dead), Product(linear).preacts_of(x, dead))
    torch.testing.assert_close(linear.preacts_at(x, among), Product(linear).preacts_at(x, among))


def test_no_rows_have_an_empty_code(linear):
    support, values = Product(linear).encoded(torch.zeros(0, 8), kernels.TopKRule(3))
    assert support.offsets.tolist() == [0] and values.shape == (0,)


@pytest.mark.parametrize("sparsifier", [TopK(3), AbsTopK(3), BatchTopK(3), ReLU()])
def test_a_tied_encoder_reads_with_the_atoms(sparsifier):
    """And its gradient is the sum of what the encoder and the atoms would get apart."""
    objective = ["mse", {"kind": "l1", "weight": 0.1}]
    shared = {"sparsifier": sparsifier, "objective": objective, "d_in": 8, "width": 30}
    tied, apart = st.compose(encoder="tied", **shared), st.compose(encoder="linear", **shared)
    assert len(list(tied.parameters())) == len(list(apart.parameters())) - 1
    x = planted(90, d=8)
    for sae in (tied, apart):
        init_from_data(sae, x)
        apart.encoder.init_from(apart.atoms)  # a tied encoder has no scale of its own to fit
        step = sae.forward_train(x)
        sae.objective.total(sae.objective.losses(step)).backward()
    both = apart.encoder.weight.grad + apart.decoder.weight.grad
    torch.testing.assert_close(tied.decoder.weight.grad, both, rtol=1e-4, atol=1e-6)
    assert torch.equal(tied.encode(x).indices, apart.encode(x).indices)


def test_a_copy_of_a_tied_dictionary_reads_with_its_own_atoms():
    from copy import deepcopy

    tied = st.compose(encoder="tied", sparsifier=TopK(3), d_in=8, width=30)
    copy = deepcopy(tied)
    with torch.no_grad():
        copy.decoder.weight.zero_()
    assert copy.encoder.directions().abs().sum() == 0 < tied.encoder.directions().abs().sum()


def test_dense_encoders_work_in_a_dictionary(linear):
    from sparsetime.dictionaries.decoders import UnitNormDecoder

    sae = Dictionary(
        Product(linear), TopK(3), UnitNormDecoder(30, 8), Objective([MSE(), AuxK(4)]), "dense"
    )
    sae.decoder.reset_parameters(torch.Generator().manual_seed(0))
    x = planted(90, d=8)
    step = sae.forward_train(x, dead=torch.arange(30) < 10)
    total = sae.objective.total(sae.objective.losses(step))
    total.backward()
    assert linear.weight.grad[:10].abs().sum() > 0
    assert sae.encode(x).counts.max() <= 3
