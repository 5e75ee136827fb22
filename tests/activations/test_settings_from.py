"""Captures with the settings of an earlier store give rows as that store has them."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_signals import strided_convolutions, vit

import sparsetime as st
from sparsetime.activations.capture.activation_settings import ActivationSettings
from sparsetime.errors import ConfigError, MismatchError


class Recurrent(nn.Module):
    """A GRU over three channels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.GRU(3, 8, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0]


def wave(name, length, seed, rate=100.0, channels=("x",)):
    values = torch.randn(length, len(channels), generator=torch.Generator().manual_seed(seed))
    return st.Document(name, values=values, recording=st.Recording(rate=rate, channels=channels))


def frames(name, count):
    rng = np.random.default_rng(0)
    return st.Document(name, values=rng.normal(size=(count, 16, 16, 3)).astype("float32"))


CASES = {
    "strided, a rate and an offset": (
        *(strided_convolutions, "4", [wave("a", 600, 0)]),
        {"rate": 10.0, "offset": 0.2, "window": 300, "overlap": 100, "dtype": "float16"},
        {},
    ),
    "frames, pooled": (
        *(vit, "layers.1", [frames("a", 6)]),
        {"input_layout": "(b t) c h w", "feature_map": "pool", "batch": 3},
        {"input_layout": "(b t) c h w", "feature_map": "flatten"},
    ),
    "steps left out": (
        *(Recurrent, "rnn", [wave("a", 200, 0, channels=("x", "y", "z"))]),
        {"exclusion": st.activations.StepExclusion(first=5, norm_above=1.2), "window": 50},
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_second_capture_has_the_rows_of_the_first(case, tmp_path):
    make, site, data, settings, other = CASES[case]
    model = make()
    first = st.capture(model, data, site, tmp_path / "1", progress=False, **settings)
    plain = st.capture(model, data, site, tmp_path / "3", progress=False, **other)
    again = st.capture(model, data, site, tmp_path / "2", settings_from=first, progress=False)
    assert again.manifest.checksums == first.manifest.checksums
    assert again.sequences.equals(first.sequences)
    np.testing.assert_array_equal(again.sequence(0).times, first.sequence(0).times)
    assert again.manifest.norm_limit == first.manifest.norm_limit
    assert plain.manifest.checksums != first.manifest.checksums, "the settings make a difference"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    out = tmp_path_factory.mktemp("settings") / "store"
    data = [wave("a", 60, 0, channels=("x", "y", "z"))]
    return st.capture(Recurrent(), data, "rnn", out, window=20, overlap=5, progress=False)


@pytest.mark.parametrize(
    ("document", "settings", "site", "error", "words"),
    [
        (wave("b", 60, 1, 100.0, ("x", "y", "w")), {}, "rnn", MismatchError, "the channel 'w'"),
        (wave("b", 60, 1, 50.0, ("x", "y", "z")), {}, "rnn", MismatchError, "rate of 50 Hz"),
        (wave("b", 60, 1), {"window": 30}, "rnn", ConfigError, "got settings_from= beside"),
        (wave("b", 60, 1), {}, "rnn:input", MismatchError, "expected one site"),
        (wave("b", 60, 1), {}, ["rnn"], MismatchError, "expected one site"),
    ],
)
def test_other_recordings_settings_and_sites_are_refused(
    store, tmp_path, document, settings, site, error, words
):
    with pytest.raises(error, match=words.replace("[", r"\[")):
        st.capture(Recurrent(), [document], site, tmp_path / "x", settings_from=store, **settings)
    assert not (tmp_path / "x").exists()


def test_every_setting_of_a_pass_is_read_from_the_manifest(store):
    """A setting that is added to captures is one of those that a later capture takes over."""
    settings = ActivationSettings.of_store(store)
    written = set(store.manifest.capture) - {"shard_rows", "tokenizer"}
    assert written == set(vars(settings.passes))
    assert (settings.passes.window, settings.passes.overlap) == (20, 5)
