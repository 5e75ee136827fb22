"""Reads of mixers: weights that rebuild outputs, by lag, as codes, and as captured sites."""

import pytest
import torch
from sequence_models.mixer_cases import CONFIGS, WHOLE_SEQUENCE, D, mixer_of, sequences

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.registry import components_of
from sparsetime.sequence_models.mixers.mixer import join_heads, split_heads
from sparsetime.sequence_models.mixers.relative_attention import skewed
from sparsetime.sequence_models.reads import by_lag, reads_code

TIME = 12
NOT_LINEAR = {"hippo", "rnn", "lstm", "huber", "pseudo_huber"}


def values_and_outputs(mixer, x):
    """The values that weights apply to, [batch, heads, time, d_value], and what they give."""
    kind = mixer.kind
    if kind in ("conv", "state_space", "lssl"):
        return split_heads(x, D), None
    if kind in ("associative", "prefix_softmax"):
        return split_heads(mixer.values(x), mixer.heads), mixer(x)
    return split_heads(mixer.inputs(x).chunk(3, -1)[2], mixer.heads), mixer(x)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_reads_are_causal_and_finite(name):
    mixer, x = mixer_of(name), sequences(TIME)
    weights = mixer.read_weights(x)
    assert weights.shape[0] == 2
    assert weights.shape[2:] == (TIME, TIME)
    assert weights.isfinite().all()
    assert weights.triu(1).abs().max() < 1e-12
    assert weights.tril(-1).abs().max() > 1e-6


@pytest.mark.parametrize("name", sorted(CONFIGS.keys() - NOT_LINEAR - {"selective"}))
@torch.no_grad()
def test_weighted_values_are_the_outputs(name):
    """An attention that does nothing, or weights that are not used, would fail here."""
    mixer, x = mixer_of(name), sequences(TIME)
    weights = mixer.read_weights(x)
    values, outputs = values_and_outputs(mixer, x)
    rebuilt = join_heads(weights @ values)
    if mixer.kind == "conv":
        rebuilt, outputs = rebuilt + mixer.kernel.bias, mixer(x)
    elif mixer.kind in ("state_space", "lssl"):
        rebuilt, outputs = mixer.out(torch.nn.functional.gelu(rebuilt)), mixer(x)
    else:
        rebuilt = mixer.out(rebuilt)
    torch.testing.assert_close(rebuilt, outputs, rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_reads_of_mamba_are_the_mean_over_channels_of_the_scan():
    mixer, x = mixer_of("selective"), sequences(TIME)
    u = torch.nn.functional.silu(mixer.conv.mix(mixer.inputs(x).chunk(2, -1)[0], None)[0])
    scanned, _ = mixer._scanned(u, torch.ones_like(u), None)
    torch.testing.assert_close(mixer.read_weights(x)[:, 0].sum(-1), scanned.mean(-1))


def test_clipped_reads_are_derivatives_by_values():
    mixer, x = mixer_of("huber"), sequences(5, batch=1)
    with torch.no_grad():
        weights = mixer.read_weights(x)
    move = 1e-6
    plain = join_heads(mixer._memory_pass(x, None).outputs)
    with torch.no_grad():
        q, k, v = mixer._queries_keys_values(x)
        v[:, :, 1] += move
        moved = st.kernels.associative_memory(q, k, v, *mixer._how(x)).outputs
    slope = (split_heads(join_heads(moved) - plain, 2) / move).mean(-1)
    torch.testing.assert_close(slope, weights[..., 1], rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_contributions_of_a_gru_are_gradient_times_input():
    mixer, x = mixer_of("rnn"), sequences(4, batch=1)
    weights = mixer.read_weights(x)
    changed = x.clone()
    changed[0, 1] *= 1 + 1e-6
    y = mixer(x)
    moved = ((mixer(changed) - y) * y).sum(-1) / y.square().sum(-1) / 1e-6
    torch.testing.assert_close(weights[0, 0, :, 1], moved[0], rtol=1e-4, atol=1e-6)


def test_weights_by_lag_keep_what_lies_further_in_the_last_entry():
    weights = torch.tensor([[1.0, 0, 0, 0], [2, 3, 0, 0], [4, 5, 6, 0], [7, 8, 9, 10]])[None, None]
    lags = by_lag(weights, 2)[0, 0]
    assert lags.tolist() == [[1, 0, 0], [3, 2, 0], [6, 5, 4], [10, 9, 15]]
    assert by_lag(weights, 6)[0, 0, 3].tolist() == [10, 9, 8, 7, 0, 0, 0]


def test_reads_as_a_code_are_signed_and_say_what_is_left_over():
    weights = torch.tensor([[1.0, 0, 0], [-2, 3, 0], [0.5, -4, 0.25]])[None, None]
    code, left_over = reads_code(weights, keep=1)
    assert code.shape == (1, 1, 3)
    assert code.indices.tolist() == [0, 0, 1]
    assert code.values.tolist() == [1, 3, -4]
    assert left_over[0, 0].tolist() == [0, 2, 0.75]
    whole, nothing = reads_code(weights)
    assert whole.counts.tolist() == [1, 2, 3]
    assert nothing.abs().max() == 0
    with pytest.raises(ConfigError, match="got keep=0, expected at least 1 entry a row"):
        reads_code(weights, keep=0)


def test_skewed_scores_equal_the_naive_ones():
    mixer = mixer_of("relative_attention")
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 2, 5, D // 2, generator=generator, dtype=torch.float64)
    keys = 20  # more than `longest`, so that far steps share a vector
    with torch.no_grad():
        scores = mixer.relative_scores(q, keys)
        table = mixer.distances.weight.unflatten(1, (2, -1))
        for row in range(5):
            for i in range(keys - 5 + row + 1):
                distance = min(keys - 5 + row - i, mixer.longest - 1)
                naive = (q[:, :, row] * table[distance]).sum(-1)
                torch.testing.assert_close(scores[:, :, row, i], naive)
    assert skewed(torch.arange(6.0).reshape(2, 3))[1].tolist() == [3, 4, 5]


@pytest.fixture(scope="module")
def model():
    memory = {"kind": "associative", "heads": 2, "chunk": 3, "loss": "huber"}
    experts = {"kind": "experts", "experts": 3, "k": 1}
    mixers = [memory, {"kind": "attention", "heads": 2, "window": 4}]
    built = st.compose_model("symbols", mixers, "next_symbol", d=D, vocabulary=7, channel=experts)
    for block in built.layers:
        block.mixer.lags = 5
    return built.eval()


def test_extra_sites_are_captured_with_their_true_times(model, tmp_path):
    tokens = torch.arange(30) * 3 % 7
    documents = [st.Document("a", tokens=tokens, start=100.0, step=2.0, unit="second")]
    for site, d in (
        ("blocks.0:reads", 2 * 6),
        ("blocks.0:state", model.layers[0].mixer.state_size(1)),
        ("blocks.0:surprise", 2),
        ("blocks.1:reads", 2 * 6),
        ("blocks.0:choices", 3),
    ):
        out = tmp_path / site.replace(":", "_")
        store = st.capture(model, documents, site, out, dtype="float32", progress=False)
        assert store.d == d
        assert len(store) == 30
        assert store.sequences["start"].to_pylist() == [100.0]
        assert store.sequences["step"].to_pylist() == [2.0]
    choices = store.sequence(0).values
    assert ((choices != 0).sum(1) == 1).all()


@pytest.mark.parametrize("kind", sorted(components_of("mixer").keys() - set(WHOLE_SEQUENCE)))
def test_reads_of_every_causal_mixer_are_captured(kind, tmp_path):
    """Also those that are gradient times input, for which the mixer is computed again."""
    model = st.compose_model("symbols", kind, d=D, vocabulary=7, channel=None).eval()
    mixer = model.layers[0].mixer
    document = st.Document("a", tokens=torch.arange(6) % 7)
    out = tmp_path / "s"
    store = st.capture(model, [document], "blocks.0:reads", out, dtype="float32", progress=False)
    x = model.layers[0].mixer_norm(model.view(document.tokens[None]))
    expected = by_lag(mixer.read_weights(x), mixer.lags)[0].transpose(0, 1).flatten(1)
    torch.testing.assert_close(store.sequence(0).values, expected.detach(), rtol=1e-4, atol=1e-6)
    inner = [site.name for site in st.sites(model) if ".sites." in site.name]
    assert all(name.startswith("blocks.0.mixer.sites.") for name in inner)


def test_captured_reads_are_those_of_the_mixer(model, tmp_path):
    tokens = torch.arange(10) % 7
    store = st.capture(
        model, [st.Document("a", tokens=tokens)], "blocks.1:reads", tmp_path / "s", progress=False,
        dtype="float32",
    )  # fmt: skip
    with torch.no_grad():
        block = model.layers[1]
        x = block.mixer_norm(model.layers[0](model.view(tokens[None])))
        lags = by_lag(block.mixer.read_weights(x), 5)[0]
    torch.testing.assert_close(store.sequence(0).values.unflatten(1, (2, 6)), lags.transpose(0, 1))
    assert lags[:, :, 4:].abs().max() == 0  # the window is of four steps


def test_surprise_is_the_error_before_a_write():
    mixer, x = mixer_of("delta rule"), sequences(6, batch=1)
    with torch.no_grad():
        surprise = mixer.surprise_of(x, None)
        v = mixer._queries_keys_values(x)[2]
        torch.testing.assert_close(surprise[0, 0], v[0, :, 0].norm(dim=-1))  # nothing is known
        _, state = mixer.mix(x[:, :4], None)
        later = mixer.surprise_of(x[:, 4:], state)
    torch.testing.assert_close(later, surprise[:, 4:])


def test_every_site_is_listed_with_its_shape(model):
    """Also those that are computed only where they are hooked."""
    listed = {site.name: site.output_shape for site in st.sites(model, torch.zeros(1, 3).long())}
    assert listed["blocks.0.mixer.sites.surprise"] == (1, 3, 2)
    assert listed["blocks.1.mixer.sites.reads"] == (1, 3, 12)
    growing = st.compose_model("symbols", "attention", d=D, vocabulary=7)
    listed = {site.name for site in st.sites(growing, torch.zeros(1, 3).long())}
    assert "blocks.0.mixer.sites.reads" in listed
    assert "blocks.0.mixer.sites.state" not in listed


def test_sites_that_cannot_be_are_errors_in_words(model):
    with pytest.raises(ConfigError, match="'input' or 'output', or one of choices, reads, state"):
        st.models.resolve_site(model, "blocks.1:surprise")
    growing = st.compose_model("symbols", "attention", d=D, vocabulary=7)
    with pytest.raises(ConfigError, match="whose state grows, expected one of constant size"):
        growing.layers[0].mixer.state_of(torch.zeros(1, 2, D), None)
