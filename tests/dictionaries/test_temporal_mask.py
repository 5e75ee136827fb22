"""ATM's mask on scores whose answer is known."""

import math

import pytest
import torch

import sparsetime as st
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.importance_dropout import ImportanceDropout
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


def axes(**settings):
    """A dictionary of two dimensions whose atoms and encoder are the axes."""
    sae = st.compose(
        d_in=2,
        width=2,
        sparsifier={"kind": "temporal_mask", **settings},
        objective=["mse", {"kind": "l1", "weight": 0.1}],
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(2))
        sae.decoder.weight.copy_(torch.eye(2))
    return sae


X = torch.tensor([[4.0, 0.0], [2.0, 1.0]])


def test_scores_by_hand():
    sae = axes()
    sae.observe(sae.forward_train(X))
    mask = sae.sparsifier
    assert mask.strength.tolist() == [3.0, 0.5]
    assert mask.frequency.tolist() == [1.0, 0.5]
    # Nothing is left over, so without a latent the error is its strength squared.
    assert mask.contribution.tolist() == [10.0, 0.5]
    # Strength where it fires 3 and 1, frequency 1 and 1/2, contribution 10 and 1/2; each
    # over its mean.
    first = (3 / 2 + 1 / 0.75 + 10 / 5.25) / 3
    torch.testing.assert_close(mask.importance(), torch.tensor([first, 2 - first]))


def test_the_probability_by_hand():
    sae = axes(rate=2.0, spread=0.5)
    sae.observe(sae.forward_train(X))
    first, second = sae.sparsifier.importance().tolist()
    threshold = 1 + 0.5 * (first - second) / 2
    expected = 1 - math.exp(-2 * (threshold - second) / threshold)
    torch.testing.assert_close(sae.sparsifier.left_out(), torch.tensor([0.0, expected]))


def test_before_any_step_and_among_equals_nothing_is_left_out():
    assert not ImportanceDropout(4).left_out().any()
    sae = axes(rate=5.0)
    sae.observe(sae.forward_train(torch.eye(2)))
    torch.testing.assert_close(sae.sparsifier.left_out(), torch.zeros(2), atol=1e-6, rtol=0)


def test_draws_leave_out_as_often_as_they_should_and_repeat():
    sae = axes(rate=2.0)
    sae.observe(sae.forward_train(X))
    mask, rows = sae.sparsifier, 4000
    x = torch.ones(rows, 2)
    support = Support(torch.arange(0, 2 * rows + 1, 2), torch.arange(2).repeat(rows), 2)
    drawn = mask.gate(torch.ones(2 * rows), support, EncoderInput(x))
    assert torch.equal(drawn, mask.gate(torch.ones(2 * rows), support, EncoderInput(x)))
    kept = drawn.reshape(rows, 2).mean(0)
    torch.testing.assert_close(kept, 1 - mask.left_out(), atol=0.03, rtol=0)
    # In use every latent has the mean strength of its draws.
    used = mask.inference_gate(torch.ones(2 * rows), support, EncoderInput(x)).reshape(rows, 2)
    assert torch.equal(used, (1 - mask.left_out()).expand(rows, 2))
    sae.observe(sae.forward_train(X))
    assert not torch.equal(drawn, mask.gate(torch.ones(2 * rows), support, EncoderInput(x)))


def test_the_mask_moves_with_what_latents_do():
    sae = axes(ema_decay=0.5, rate=1.0)
    for _ in range(20):
        sae.observe(sae.forward_train(X))
    assert sae.sparsifier.left_out()[0] < sae.sparsifier.left_out()[1]
    for _ in range(20):
        sae.observe(sae.forward_train(X.flip(1)))
    assert sae.sparsifier.left_out()[1] < sae.sparsifier.left_out()[0]


def test_bad_settings_are_refused():
    with pytest.raises(ConfigError, match=r"got rate=-1.0 and ema_decay=0\.95, expected"):
        ImportanceDropout(4, rate=-1.0)
    with pytest.raises(
        ConfigError, match=r"got .* ema_decay=1.0, expected .* at least 0 and below 1"
    ):
        ImportanceDropout(4, ema_decay=1.0)
    with pytest.raises(ConfigError, match=r"'temporal_mask' needs a sparsity penalty .* 'l1'"):
        st.compose(d_in=2, width=4, sparsifier="temporal_mask")
