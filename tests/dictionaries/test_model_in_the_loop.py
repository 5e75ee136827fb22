"""Dictionaries that look at the model: its loss, and the loss's gradient."""

import pytest
import torch
from toy_models import llama_lm

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.activations.sources.model_loss import downstream_batches, rows_with_gradients
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.lm_loss import kl_divergence
from sparsetime.metrics.ce_increase import ce_increase

SITE = "model.layers.0"
TOKENS = torch.randint(0, 50, (6, 12), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    return llama_lm(initializer_range=0.3)


def axes(**settings):
    """A g-SAE whose encoder and atoms are four axes."""
    sae = st.dictionary("gradient_sae", d_in=4, width=4, k=1, **settings)
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(4))
        sae.decoder.weight.copy_(torch.eye(4))
    return sae


def test_a_weak_latent_that_the_loss_notices_is_chosen_in_training_alone():
    x = torch.tensor([[3.0, 2.0, 1.0, 0.5]])
    batch = Batch(x, gradient=torch.tensor([[0.0, 5.0, 0.0, 0.0]]))
    kept = axes().sparsifier.gate(x[0], every_place(), EncoderInput(x, batch))
    # Effects are 0 and 5 with mean 5 / 4, so the second latent scores 2 * (1 + 4).
    assert kept.tolist() == [0.0, 2.0, 0.0, 0.0]
    assert axes().encode(x).dense().tolist() == [[3.0, 0.0, 0.0, 0.0]]
    without = axes(beta=0.0).sparsifier.gate(x[0], every_place(), EncoderInput(x, batch))
    assert without.tolist() == [3.0, 0.0, 0.0, 0.0]
    with pytest.raises(
        ConfigError, match=r"got beta=.* expected a weight of the gradient of at least 0"
    ):
        axes(beta=-1.0)


def every_place():
    from sparsetime.kernels import Support

    return Support(torch.tensor([0, 4]), torch.arange(4), 4)


def test_the_gradient_term_is_the_error_along_the_gradient():
    sae = st.dictionary("end_to_end_gradient", d_in=2, width=2, k=2)
    with torch.no_grad():
        sae.encoder.weight.zero_()  # so that the reconstruction is the offset, zero
    x = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    batch = Batch(x, gradient=torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    losses = sae.objective.losses(sae.forward_train(batch))
    assert losses["gradient_mse"].item() == pytest.approx((9 + 0) / 2)
    longer = Batch(x, gradient=10 * batch.gradient)
    assert sae.objective.losses(sae.forward_train(longer))["gradient_mse"].item() == pytest.approx(
        4.5
    )


def test_divergence_is_zero_without_a_change_and_grows_with_it(model):
    def noised(size):
        noise = torch.randn(6, 12, 16, generator=torch.Generator().manual_seed(1))
        return kl_divergence(model, TOKENS, SITE, lambda x: x + size * noise).item()

    assert noised(0.0) == pytest.approx(0.0, abs=1e-6)
    assert 1e-5 < noised(0.1) < noised(1.0)


def test_batches_run_the_model_on_from_their_rows(model):
    batch = next(downstream_batches(model, TOKENS, SITE, sequences=2, seed=3))
    assert batch.x.shape == (24, 16)
    assert batch.downstream(batch.x).item() == pytest.approx(0.0, abs=1e-6)
    rows = (0.5 * batch.x).requires_grad_()
    loss = batch.downstream(rows)
    loss.backward()
    assert loss > 1e-4 and rows.grad.abs().sum() > 0
    assert all(p.grad is None for p in model.parameters())
    again = next(downstream_batches(model, TOKENS, SITE, sequences=2, seed=3))
    assert torch.equal(batch.x, again.x)
    with pytest.raises(DataError, match="takes 7 sequences, and the tokens hold 6"):
        downstream_batches(model, TOKENS, SITE, sequences=7)


def test_training_through_the_model_lowers_what_it_costs(model, tmp_path):
    sae = st.dictionary("end_to_end", d_in=16, width=32, k=8, downstream=1.0)
    batches = downstream_batches(model, TOKENS, SITE, sequences=6)
    run = st.train(
        sae, batches, out=tmp_path, rows=72 * 60, batch=72, learning_rate=1e-2, show=False
    )
    first, last = (run.metrics[at]["loss_downstream"] for at in (0, -1))
    assert last < 0.5 * first


def test_gradients_tell_the_change_of_the_loss_to_first_order(model):
    found = rows_with_gradients(model, TOKENS, SITE, sequences=4)
    assert found["x"].shape == found["gradient"].shape == (72, 16)
    sae = st.dictionary("topk", d_in=16, width=32, k=32)
    change = 1e-3 * torch.randn(72, 16, generator=torch.Generator().manual_seed(2))
    sae.forward = lambda x: x + change.reshape(x.shape)
    expected = (found["gradient"] * change).sum() / (6 * 11)  # the gradient is of the sum
    assert ce_increase(model, sae, TOKENS, SITE).value == pytest.approx(expected.item(), rel=0.1)
