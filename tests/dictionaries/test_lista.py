"""LISTA encoder and a k that falls, against dense arithmetic and cases with a known answer."""

import pytest
import torch
from planted import planted
from small_recipes import small

import sparsetime as st
from sparsetime import kernels
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders import LISTAEncoder
from sparsetime.dictionaries.sparsifiers import FallingK
from sparsetime.errors import ConfigError

D, WIDTH, K = 12, 40, 3


def lista(steps=1, **settings):
    encoder = {"kind": "lista", "k": K, "steps": steps, **settings}
    sae = st.compose(
        d_in=D, width=WIDTH, encoder=encoder, sparsifier={"kind": "top_k", "k": 5}, objective="mse"
    )
    with torch.no_grad():
        sae.decoder.bias.copy_(torch.linspace(-0.2, 0.2, D))
        sae.encoder.bias.copy_(torch.linspace(-0.1, 0.1, WIDTH))
    return sae


def largest(pre, k):
    top = pre.relu().topk(k, dim=1)
    return torch.zeros_like(pre).scatter(1, top.indices, top.values)


def dense_code(x, weight, bias, atoms, steps, step_size=0.3):
    refined = x
    for _ in range(steps):
        explained = largest(refined @ weight.T + bias, K) @ atoms
        refined = refined + step_size * (x - explained)
    return largest(refined @ weight.T + bias, 5)


@pytest.mark.parametrize("steps", [1, 3])
def test_lista_and_its_gradients_are_those_of_dense_arithmetic(steps):
    sae, x = lista(steps), planted(90, d=D)
    step = sae.forward_train(x)
    (step.reconstruction - step.target).square().sum().backward()
    weight = sae.encoder.weight.detach().clone().requires_grad_()
    bias = sae.encoder.bias.detach().clone().requires_grad_()
    centred = (step.x - sae.decoder.bias).detach()
    got = {name: parameter.grad for name, parameter in sae.named_parameters()}
    for parameter in sae.parameters():
        parameter.grad = None
    code = dense_code(centred, weight, bias, sae.atoms, steps)
    torch.testing.assert_close(step.code.dense(), code)
    (code @ sae.atoms + sae.decoder.bias - step.target).square().sum().backward()
    torch.testing.assert_close(got["encoder.weight"], weight.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(got["encoder.bias"], bias.grad, rtol=1e-4, atol=1e-4)
    for name in ("decoder.weight", "decoder.bias"):
        expected = sae.get_parameter(name).grad
        torch.testing.assert_close(got[name], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sae.encode(x).dense(), code.detach())


def test_a_latent_that_another_one_explains_is_lowered():
    sae = st.compose(
        d_in=2,
        width=2,
        encoder={"kind": "lista", "k": 2, "step_size": 1.0},
        sparsifier={"kind": "top_k", "k": 2},
        objective="mse",
    )
    linear = st.compose(d_in=2, width=2, sparsifier={"kind": "top_k", "k": 2}, objective="mse")
    atoms = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    for dictionary in (sae, linear):
        with torch.no_grad():
            dictionary.encoder.weight.copy_(atoms)
            dictionary.decoder.weight.copy_(atoms)
    row = torch.tensor([[1.0, 0.0]])
    # The first atom is the row, but a linear encoder sees the second in it too.
    torch.testing.assert_close(linear.encode(row).dense(), torch.tensor([[1.0, 0.6]]))
    # Explained: (1, 0) + 0.6 (0.6, 0.8) = (1.36, 0.48), so u = (1, 0) - (0.36, 0.48).
    torch.testing.assert_close(sae.encode(row).dense(), torch.tensor([[0.64, 0.0]]))


def test_a_lista_row_does_not_depend_on_its_batch():
    sae, x = lista(2), planted(50, d=D)
    whole = sae.encode(x).dense()
    torch.testing.assert_close(torch.cat([sae.encode(row).dense() for row in x.split(1)]), whole)


def test_lista_says_what_it_cannot_be_composed_with():
    with pytest.raises(ConfigError, match="lista subtracts a reconstruction from what is read"):
        st.compose(
            d_in=4,
            d_out=6,
            width=8,
            encoder={"kind": "lista", "k": 2},
            sparsifier={"kind": "top_k", "k": 2},
            objective="mse",
        )
    for wrong in ({"k": 0}, {"k": 2, "steps": 0}, {"k": 2, "step_size": 0}):
        with pytest.raises(ConfigError, match="expected k and steps of at least 1"):
            LISTAEncoder(4, 8, **wrong)


def test_k_falls_in_a_straight_line_and_stays():
    falling = FallingK(40, {"kind": "top_k", "k": 4}, first=12, until=0.5)
    x = torch.zeros(1, 4)
    ks = [falling.training_rule(EncoderInput(x, progress=t / 8)).k for t in range(9)]
    assert ks == [12, 10, 8, 6, 4, 4, 4, 4, 4]
    assert falling.inference_rule(EncoderInput(x)) == kernels.TopKRule(4)
    batch = FallingK(6, {"kind": "batch_top_k", "k": 4}, first=12)
    # A part of a divided dictionary has fewer latents than the whole; selection caps k itself.
    assert batch.training_rule(EncoderInput(x, progress=0.0)) == kernels.BatchTopKRule(12)
    assert not batch.is_stateful


def test_falling_k_says_what_it_needs():
    def composed(**sparsifier):
        kind = {"kind": "falling_k", **sparsifier}
        return st.compose(d_in=4, width=8, sparsifier=kind, objective="mse")

    with pytest.raises(ConfigError, match="falling_k falls from first=2 to k=3"):
        composed(inner={"kind": "top_k", "k": 3}, first=2)
    with pytest.raises(ConfigError, match="the sparsifier 'jumprelu' has none"):
        composed(inner={"kind": "jumprelu"}, first=2)
    with pytest.raises(ConfigError, match="expected a share of the training above 0"):
        composed(inner={"kind": "top_k", "k": 3}, first=4, until=0)


def test_l0_in_training_falls_to_k(tmp_path):
    sae = st.dictionary("lista_matryoshka", d_in=D, width=WIDTH, k=2, first_k=6)
    settings = {"rows": 4000, "batch": 100, "log_every": 1, "show": False}
    run = st.train(sae, planted(4000, d=D), out=tmp_path / "run", **settings)
    sizes = [line["l0"] for line in run.metrics]
    assert sizes[0] == pytest.approx(6, abs=0.2)
    assert sizes[-1] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("name", ["lista_matryoshka", "multi_topk", "topk"])
def test_training_selects_in_the_dtype_that_it_was_given(name, monkeypatch):
    """Not in what this machine measured: a run is resumed elsewhere, and processes agree on one."""
    seen = set()

    def selected(x, weight, bias, rule, dtype=torch.float32):
        seen.add(dtype)
        return real(x, weight, bias, rule, torch.float32)

    real = kernels.pre_activations
    monkeypatch.setattr(kernels, "pre_activations", selected)
    sae = small(name)
    sae.objective.losses(sae.forward_train(planted(40, d=sae.d_in), dtype=torch.bfloat16))
    assert seen == {torch.bfloat16}
