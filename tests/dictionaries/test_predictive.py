"""What the past predicts and what is new: causal, limited, and right where the answer is known."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.encoders import causal_attention
from sparsetime.dictionaries.encoders.causal_attention import CausalAttention
from sparsetime.errors import ConfigError, DataError
from sparsetime.segments import Segments

PAST = 6


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Of features that stay on for four steps, some at a time and more than are novel."""
    sae = st.dictionary("temporal_feature_analysis", d_in=16, width=80, k=1, past=PAST)
    return st.train(
        sae,
        planted(8000, sequences=80),
        out=tmp_path_factory.mktemp("predictive") / "run",
        rows=500 * 128,
        batch=128,
        window=32,
        learning_rate=3e-3,
        show=False,
    ).dictionary


def predicted_and_novel(sae, x):
    code = sae.encode(x)
    half = sae.groups[0]
    return code.latents(0, half), code.latents(half, sae.width)


def test_attention_by_hand():
    attention = CausalAttention(width=2, inner=2, heads=1, past=2)
    with torch.no_grad():
        for weight in (attention.query, attention.key, attention.value, attention.output):
            weight.copy_(torch.eye(2))
    z = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [5.0, 5.0]])
    answer, kept = attention(z, Segments.of_lengths([4]), None)
    assert answer[0].tolist() == [0.0, 0.0]  # before the first step there is nothing
    # The last step looks back two: at itself never, at the first step no more.
    logits = torch.tensor([0.0, z[3] @ z[1], z[3] @ z[2]]) / 2**0.5
    wanted = logits.softmax(0)[1:] @ z[1:3]
    torch.testing.assert_close(answer[3], wanted)
    assert torch.equal(kept.keys[0], z[2:])


def test_many_steps_are_asked_in_pieces(trained, monkeypatch):
    x = planted(200, sequences=2, seed=3)
    whole = trained.encode(x).dense()
    monkeypatch.setattr(causal_attention, "_AT_ONCE", 7)
    torch.testing.assert_close(trained.encode(x).dense(), whole, rtol=1e-4, atol=1e-5)


def test_the_first_step_is_all_novel(trained):
    predicted, novel = predicted_and_novel(trained, planted(400, sequences=40, seed=3))
    counts = predicted.counts.reshape(40, 10)
    assert not counts[:, 0].any()
    assert counts[:, 1:].any()
    assert novel.counts.max() == 1


def test_the_future_changes_nothing_and_the_past_only_so_far(trained):
    x = planted(40, sequences=2, seed=3)
    other = x.clone()
    other[:, 10] += 1.0
    before, after = trained.encode(x).dense(), trained.encode(other).dense()
    differs = (before - after).abs().amax((0, 2)) > 1e-4
    assert not differs[:10].any()
    assert differs[10]
    assert differs[11 : 10 + PAST + 1].any()
    assert not differs[10 + PAST + 1 :].any()


def test_what_stays_is_predicted_and_what_changes_is_novel(trained):
    """Every fourth step all features are drawn again."""
    x = planted(4000, sequences=40, seed=0)
    predicted, novel = predicted_and_novel(trained, x)
    share = {}
    for changes in (True, False):
        steps = (torch.arange(100) % 4 == 0) == changes
        part, rest = (p.dense()[:, steps].sum() for p in (predicted, novel))
        share[changes] = float(part / (part + rest))
    assert share[False] > share[True] + 0.1


def test_both_parts_sum_to_the_reconstruction(trained):
    x = planted(400, sequences=40, seed=3)
    predicted, novel = predicted_and_novel(trained, x)
    nothing = trained.decode(predicted.keep(predicted.values < 0))
    summed = trained.decode(predicted) + trained.decode(novel) - nothing
    torch.testing.assert_close(summed, trained(x), rtol=1e-4, atol=1e-4)


def test_atoms_are_shared_by_both_parts(trained):
    half = trained.groups[0]
    assert torch.equal(trained.atoms[:half], trained.atoms[half:])


def test_predicted_latents_can_be_limited():
    sae = st.dictionary("temporal_feature_analysis", d_in=16, width=64, k=3, predicted=2)
    predicted, _ = predicted_and_novel(sae, planted(400, sequences=4))
    assert predicted.counts.max() == 2


def test_a_stream_that_is_reset_has_no_state(trained):
    x = planted(60, sequences=3, seed=3)
    state = trained.stream()
    state.feed(x[:, :10])
    state.reset(torch.tensor([1]))
    code = state.feed(x[:, 10:]).dense()
    torch.testing.assert_close(code[1], trained.encode(x[1, 10:]).dense(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(code[0], trained.encode(x[0]).dense()[10:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ({"width": 63}, "got width=63, expected an even number: half"),
        ({"heads": 3}, "got heads=3 and inner=16, expected `inner` to be a multiple of `heads`"),
        ({"past": 0}, "got past=0, expected at least 1 step to look back"),
        ({"predicted": 0}, "got predicted=0, expected at least 1, or None for all"),
    ],
)
def test_impossible_settings_are_refused(own, text):
    with pytest.raises(ConfigError, match=text):
        st.dictionary("temporal_feature_analysis", **{"d_in": 16, "width": 64, **own})


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ({"decoder": "unit_norm"}, "take decoder 'twofold', of which every two latents share one"),
        ({"sparsifier": {"kind": "batch_top_k", "k": 4}}, "on the novel ones alone; take 'top_k'"),
        ({"d_out": 8}, "take encoder 'linear' to write to another site"),
        (
            {"width": 63, "encoder": "linear"},
            "got width=63, expected an even number: every two latents share an atom",
        ),
    ],
)
def test_nonsense_is_refused_with_the_reason(own, text):
    made = {
        "d_in": 16,
        "width": 64,
        "encoder": "predictive",
        "sparsifier": {"kind": "top_k", "k": 4},
        "decoder": "twofold",
    }
    with pytest.raises(ConfigError, match=text):
        st.compose(**{**made, **own})


def test_steps_without_an_order_are_refused(tmp_path):
    sae = st.dictionary("temporal_feature_analysis", d_in=16, width=64)
    with pytest.raises(DataError, match="order of time, and a tensor of shape"):
        st.train(sae, planted(200), out=tmp_path / "run", rows=128, batch=64, show=False)
