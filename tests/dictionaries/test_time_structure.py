"""Leaky means, onsets and lagged covariances: their equations, on input whose answer is known."""

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError


def test_a_leaky_mean_is_the_weighted_mean_of_the_plain_codes():
    x = torch.randn(3, 12, 16, generator=torch.Generator().manual_seed(1))
    plain = st.dictionary("topk", d_in=16, width=32, k=4)
    leaky = st.wrap_stateful(plain, "leaky_mean", decay=0.8, floor=0.0)
    codes = plain.encode(x).dense()
    weights = 0.8 ** torch.arange(11, -1, -1.0)
    expected = (weights[:, None] * codes).sum(1) / weights.sum()
    torch.testing.assert_close(leaky.encode(x).dense()[:, -1], expected)


def test_a_replacing_trace_falls_until_its_latent_fires_again():
    plain = st.dictionary("topk", d_in=16, width=32, k=4)
    x = torch.randn(3, 12, 16, generator=torch.Generator().manual_seed(1))
    codes = plain.encode(x).dense()
    traces = st.wrap_stateful(plain, "replacing_trace", decay=0.8, floor=0.0).encode(x).dense()
    ages = torch.arange(11, -1, -1.0)[:, None]
    torch.testing.assert_close(traces[:, -1], (0.8**ages * codes).amax(1))


def test_a_floor_drops_small_means():
    plain = st.dictionary("topk", d_in=16, width=32, k=4)
    x = torch.randn(2, 12, 16, generator=torch.Generator().manual_seed(1))
    kept = st.wrap_stateful(plain, "leaky_mean", decay=0.8, floor=0.5).encode(x)
    assert kept.values.abs().min() > 0.5


def test_a_decay_of_one_is_refused():
    plain = st.dictionary("topk", d_in=16, width=32, k=4)
    with pytest.raises(ConfigError, match=r"got decay=1\.0 and floor=0\.001, expected a decay"):
        st.wrap_stateful(plain, "leaky_mean", decay=1.0)


def test_lasting_and_onset_sum_to_the_features_of_a_step():
    onset = st.dictionary("onset", d_in=16, width=64, k=4)
    plain = st.dictionary("topk", d_in=16, width=32, k=4)
    plain.encoder.weight.data.copy_(onset.encoder.weight)
    x = torch.randn(3, 9, 16, generator=torch.Generator().manual_seed(2))
    y, code = plain.encode(x).dense(), onset.encode(x).dense()
    lasting, new = code[..., :32], code[..., 32:]
    torch.testing.assert_close(lasting + new, y)
    torch.testing.assert_close(lasting[:, 1:], torch.minimum(y[:, 1:], y[:, :-1]))
    assert not lasting[:, 0].any()


def test_an_onset_encoder_needs_its_decoder():
    with pytest.raises(ConfigError, match="take the decoder 'twofold'"):
        st.compose(d_in=16, width=32, encoder="onset", sparsifier={"kind": "top_k", "k": 4})


def test_sources_of_different_autocorrelation_are_unmixed(tmp_path):
    """A mixture that is not orthogonal: variances alone would not identify it."""
    generator = torch.Generator().manual_seed(3)
    r = torch.tensor([0.9, 0.5, -0.4])
    z = torch.randn(100, 200, 3, generator=generator)
    for t in range(1, 200):
        z[:, t] = r * z[:, t - 1] + (1 - r * r).sqrt() * z[:, t]
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, 0.8]])
    sae = st.dictionary("amuse", d_in=3, width=8, k=8, lags=1)
    sae = st.train(sae, z @ mixing, out=tmp_path, rows=20_000, batch=1000, show=False).dictionary
    assert (sae.atoms @ mixing.T).abs().amax(0).min() > 0.99
    assert not sae.atoms[3].any(), "there are three sources for four places"
    x = z[0] @ mixing
    torch.testing.assert_close(sae(x), x, rtol=1e-3, atol=1e-3)


def test_lagged_covariances_need_an_even_width():
    with pytest.raises(ConfigError, match="got width=7 and lags=4, expected an even width"):
        st.dictionary("amuse", d_in=3, width=7)


def test_a_window_divides_the_default_learning_rate():
    config = st.training.TrainConfig(rows=100_000)
    assert config.rate(64, window=8) == pytest.approx(config.rate(64) / 8)
    assert st.training.TrainConfig(learning_rate=0.1).rate(64, window=8) == 0.1


@pytest.mark.parametrize(("window", "bands"), [(8, 1), (8, 4), (8, 5), (5, 3), (2, 2)])
def test_atoms_of_a_spectral_crosscoder_hold_one_band(window, bands):
    sae = st.dictionary(
        "spectral_crosscoder", d_in=4, width=40, k=2, window=window, bands=bands, seed=1
    )
    power = torch.fft.rfft(sae.decoder.profile.detach(), dim=1).abs().square().sum(2)
    share = (power / power.sum(1, keepdim=True)).numpy()
    used = share > 1e-6
    of_frequency = [frequency * bands // (window // 2 + 1) for frequency in range(window // 2 + 1)]
    for latent in used:
        assert len({of_frequency[frequency] for frequency in latent.nonzero()[0]}) == 1
    assert used.any(axis=0).all(), "every frequency has latents"
    torch.testing.assert_close(sae.decoder.over_time().norm(dim=1), torch.ones(40))


def test_more_bands_than_frequencies_are_refused():
    with pytest.raises(ConfigError, match="got bands=6, expected 1 to 5"):
        st.dictionary("spectral_crosscoder", d_in=4, width=40, bands=6)
