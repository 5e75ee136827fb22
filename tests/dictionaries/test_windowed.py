"""One code for a window of steps: what it sees, what it says of each step, what it finds."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.objectives.window_mse import WindowMSE
from sparsetime.dictionaries.state.causal_window import trailing
from sparsetime.errors import ConfigError, DataError
from sparsetime.kernels import Support
from sparsetime.segments import Segments

WINDOW = 3


def events(patterns, sequences, time, seed):
    """Patterns [features, window, d] that begin now and then, summed over time.

    About two steps in five hold a pattern, so that the others are not the rule: far fewer would be
    a heavy tail, of which training warns.
    """
    generator = torch.Generator().manual_seed(seed)
    features, window, d = patterns.shape
    begins = (torch.rand(sequences, time, features, generator=generator) < 0.03).float()
    x = 0.01 * torch.randn(sequences, time, d, generator=generator)
    for step in range(window):
        x[:, step:] += begins[:, : time - step] @ patterns[:, step]
    return x


@pytest.fixture(scope="module")
def patterns():
    generator = torch.Generator().manual_seed(5)
    drawn = torch.randn(6, WINDOW, 16, generator=generator)
    return drawn / drawn.norm(dim=2, keepdim=True)


@pytest.fixture(scope="module")
def trained(patterns, tmp_path_factory):
    sae = st.dictionary("window_crosscoder", d_in=16, width=64, k=2, window=WINDOW)
    return st.train(
        sae,
        events(patterns, 100, 100, seed=1),
        out=tmp_path_factory.mktemp("windowed") / "run",
        rows=500 * 128,
        batch=128,
        window=32,
        learning_rate=3e-3,
        show=False,
    ).dictionary


def test_trailing_by_hand():
    x = torch.tensor([1.0, 2.0, 3.0, 10.0, 20.0])[:, None]
    windows, last = trailing(x, Segments.of_lengths([3, 2]), 3)
    assert windows[..., 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [0, 0, 10], [0, 10, 20]]
    assert last.steps[..., 0].tolist() == [[2, 3], [10, 20]]
    windows, last = trailing(torch.tensor([[4.0], [30.0]]), Segments.of_lengths([1, 1]), 3, last)
    assert windows[..., 0].tolist() == [[2, 3, 4], [10, 20, 30]]
    assert last.reset(torch.tensor([True, False])).steps[..., 0].tolist() == [[0, 0], [20, 30]]


def test_a_code_is_of_the_window_that_ends_with_its_step(trained):
    x = planted(40, sequences=2, seed=3)
    other = x.clone()
    other[:, 10] += 1.0
    differs = (trained.encode(x).dense() - trained.encode(other).dense()).abs().amax((0, 2)) > 0
    assert differs.nonzero().squeeze(1).tolist() == [10, 11, 12]


def test_patterns_are_found_with_their_profile(trained, patterns):
    found = trained.decoder.profile.detach().flatten(1)
    found = found / found.norm(dim=1, keepdim=True)
    wanted = patterns.flatten(1) / patterns.flatten(1).norm(dim=1, keepdim=True)
    assert (wanted @ found.T).max(1).values.min() > 0.9


def test_a_code_says_its_window_and_decode_its_last_step(trained, patterns):
    x = events(patterns, 20, 50, seed=2)
    code = trained.encode(x)
    support = Support(code.offsets, code.indices, code.width)
    with torch.no_grad():
        windows = trained.decoder.over_window(code.values, support) * trained.normalisation.scale
    windows = windows.reshape(20, 50, WINDOW, 16)
    torch.testing.assert_close(windows[:, :, -1], trained.decode(code), rtol=1e-4, atol=1e-5)
    earlier = x[:, :-2]
    error = (windows[:, 2:, 0] - earlier).square().sum() / (earlier - earlier.mean()).square().sum()
    assert error < 0.3


def test_window_mse_counts_no_step_before_the_beginning():
    sae = st.dictionary("window_crosscoder", d_in=2, width=4, k=1, window=2)
    with torch.no_grad():
        sae.encoder.bias.fill_(-100.0)  # a code of nothing, so that the error is the activation
    x = torch.tensor([[2.0, 0.0], [0.0, 4.0], [1.0, 0.0]])
    batch = Batch(x, segments=Segments.of_lengths([2, 1]))
    with pytest.raises(ConfigError, match=r"a code is of 2 steps"):
        sae.forward_train(Batch(x, segments=Segments.of_lengths([1, 1, 1])))
    # The windows' errors are 4; (4 + 16) / 2; 1.
    assert WindowMSE().loss(sae.forward_train(batch)).item() == pytest.approx((4 + 10 + 1) / 3)


def test_sequences_shorter_than_a_window_are_encoded_from_what_there_is(trained):
    x = planted(2, seed=3)
    padded = torch.cat([trained.normalisation.scale * trained.decoder.bias.detach()[None], x])
    alone, after = trained.encode(x).dense(), trained.encode(padded).dense()
    torch.testing.assert_close(alone, after[1:], rtol=1e-4, atol=1e-5)


def test_stretches_shorter_than_a_window_are_refused(tmp_path):
    sae = st.dictionary("window_crosscoder", d_in=16, width=64)
    with pytest.raises(ConfigError, match=r"5 steps, .* has 4: train .* with window=20 or so"):
        st.train(
            sae,
            planted(400, sequences=100),
            out=tmp_path / "run",
            rows=128,
            batch=64,
            window=4,
            show=False,
        )


def test_windows_longer_than_all_sequences_are_refused(tmp_path):
    sae = st.dictionary("window_crosscoder", d_in=16, width=64, window=3)
    with pytest.raises(DataError, match="need sequences of at least that length, the longest"):
        st.train(
            sae, planted(400, sequences=100), out=tmp_path / "run", rows=128, batch=64, show=False
        )


def test_a_window_of_one_step_is_refused():
    with pytest.raises(
        ConfigError, match=r"got window=1, expected at least 2 .* for one step take the recipe"
    ):
        st.dictionary("window_crosscoder", d_in=16, width=64, window=1)


def test_the_whole_window_needs_atoms_that_have_one():
    with pytest.raises(ConfigError, match="take the decoder 'windowed', or 'mse'"):
        st.compose(d_in=16, width=64, sparsifier={"kind": "top_k", "k": 4}, objective="window_mse")


def test_other_atoms_can_be_read_over_a_window():
    sae = st.compose(d_in=16, width=64, encoder="windowed", sparsifier={"kind": "top_k", "k": 4})
    assert sae.is_stateful
    code = sae.encode(planted(40, sequences=2))
    assert code.shape == (2, 20)
