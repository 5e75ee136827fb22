"""Hysteresis and delta: what they promise, streams that equal the whole, errors that teach."""

import pytest
import torch
from made_passes import made_pass
from planted import planted

import sparsetime as st
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.objectives.total_variation import TotalVariation
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.kernels import Support

INNER = {
    "top_k": {"kind": "top_k", "k": 6},
    "abs_top_k": {"kind": "abs_top_k", "k": 6},
    "jumprelu": {"kind": "jumprelu", "threshold": 0.3},
    "batch_top_k": {"kind": "batch_top_k", "k": 6},
}


def drifting(sequences=6, time=40, d=16, seed=0):
    """Planted sequences, smoothed so that neighbours are near: most strengths move slowly."""
    x = planted(sequences * time, d=d, seed=seed, active=4).reshape(sequences, time, d)
    for step in range(1, time):
        x[:, step] = 0.7 * x[:, step - 1] + 0.3 * x[:, step]
    return x


def made(kind, inner="top_k", width=48, **settings):
    sae = st.compose(
        d_in=16,
        width=width,
        sparsifier={"kind": kind, "inner": INNER[inner], **settings},
        objective=["mse", {"kind": "l0", "target": 4.0}] if inner == "jumprelu" else "mse",
    )
    init_from_data(sae, drifting().reshape(-1, 16))
    if inner == "batch_top_k":
        sae.sparsifier.inner.threshold.fill_(0.21)
    return sae


def plain(sae):
    """The same dictionary without memory."""
    written = sae.to_config()
    inner = st.compose(
        d_in=sae.d_in,
        width=sae.width,
        sparsifier=written["sparsifier"]["inner"],
        objective=written["objective"],
    )
    state = {name.replace(".inner", ""): value for name, value in sae.state_dict().items()}
    inner.load_state_dict(state)
    return inner


def flips(code):
    """How often a latent switches on or off from one step to the next."""
    on = code.dense() != 0
    return int((on[:, 1:] != on[:, :-1]).sum())


def errors(sae, x, code):
    """Squared distances in normalised units, as `delta` measures them."""
    return sae.normalisation.normalise(x - sae.decode(code)).square().sum(-1)


@pytest.mark.parametrize("kind", ["hysteresis", "delta"])
@pytest.mark.parametrize("inner", INNER)
def test_streams_and_pieces_equal_the_whole(kind, inner):
    sae, x = made(kind, inner), drifting(5, 23, seed=2)
    assert sae.is_stateful
    whole = sae.encode(x)
    state = sae.stream()
    steps = torch.stack([state.step(x[:, t]).dense() for t in range(23)], 1)
    torch.testing.assert_close(steps, whole.dense(), rtol=1e-5, atol=1e-6)
    state.reset()
    pieces = torch.cat([state.feed(part).dense() for part in x.split([10, 1, 12], 1)], 1)
    torch.testing.assert_close(pieces, whole.dense(), rtol=1e-5, atol=1e-6)
    alone = torch.stack([sae.encode(one).dense() for one in x])
    torch.testing.assert_close(alone, whole.dense(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["hysteresis", "delta"])
def test_a_stream_that_is_reset_restarts_and_the_others_continue(kind):
    sae, x = made(kind), drifting(3, 20, seed=2)
    state = sae.stream()
    state.feed(x[:, :10])
    state.reset(torch.tensor([1]))
    rest = state.feed(x[:, 10:]).dense()
    whole = sae.encode(x).dense()[:, 10:]
    torch.testing.assert_close(rest[0], whole[0])
    torch.testing.assert_close(rest[2], whole[2])
    torch.testing.assert_close(rest[1], sae.encode(x[1, 10:]).dense())
    assert not torch.equal(rest[1], whole[1])


@pytest.mark.parametrize("kind", ["hysteresis", "delta"])
def test_thousands_of_streams_in_constant_memory(kind):
    """The state holds no more after many steps than the last code."""
    sae = made(kind)
    state = sae.stream()
    x = drifting(2000, 12, seed=4)
    for t in range(12):
        code = state.step(x[:, t])
    (kept,) = state._state._states.values()
    assert kept.code.indices.numel() == code.indices.numel()
    assert code.shape == (2000,)


@pytest.mark.parametrize("inner", INNER)
def test_hysteresis_keeps_what_the_inner_one_keeps_and_flickers_less(inner):
    sae, x = made("hysteresis", inner, low=0.6), drifting()
    inside, code = plain(sae).encode(x), sae.encode(x)
    on, also = inside.dense(), code.dense()
    # Both encode the same rows; how a product is summed depends on the processor, in the last bits.
    torch.testing.assert_close(also[on != 0], on[on != 0], rtol=1e-6, atol=1e-6)
    assert flips(code) < flips(inside), "what stays on flips less, and never more"
    assert code.indices.numel() > inside.indices.numel()
    first = code.reshape(240).take(torch.arange(6) * 40)
    # Nothing was active before the first step.
    torch.testing.assert_close(first.dense(), on[:, 0], rtol=1e-6, atol=1e-6)


def test_hysteresis_by_hand():
    """One latent, threshold 1 and low 0.5: on above 1, off below 0.5."""
    sae = made("hysteresis", "batch_top_k", width=8, low=0.5)
    sae.sparsifier.inner.threshold.fill_(1.0)
    with torch.no_grad():
        sae.encoder.weight.zero_()
        sae.encoder.weight[0, 0] = 1.0
        sae.encoder.bias.zero_()
    wanted = [0.9, 1.2, 0.7, 0.6, 0.4, 0.8, 1.1]
    seen = torch.zeros(7, 16)
    seen[:, 0] = torch.tensor(wanted)
    x = sae.normalisation.restore(seen + sae.decoder.bias.detach())
    found = sae.encode(x).dense()[:, 0]
    torch.testing.assert_close(
        found, torch.tensor([0, 1.2, 0.7, 0.6, 0, 0, 1.1]), rtol=1e-4, atol=1e-5
    )


def test_hysteresis_at_one_is_the_inner_sparsifier():
    sae, x = made("hysteresis", "batch_top_k", low=1.0), drifting()
    assert torch.equal(sae.encode(x).dense(), plain(sae).encode(x).dense())


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("tolerance", [0.05, 0.3])
def test_deltas_error_is_bounded_at_every_step(inner, tolerance):
    sae, x = made("delta", inner, tolerance=tolerance), drifting(seed=5)
    inside = plain(sae)
    bound = errors(inside, x, inside.encode(x)) + tolerance
    assert (errors(sae, x, sae.encode(x)) <= bound * (1 + 1e-4)).all()


def test_deltas_error_does_not_drift():
    """After ten thousand steps it is what it was at first, and so is the number of latents on."""
    sae = made("delta", tolerance=0.2)
    x = drifting(1, 10_000, seed=6)
    code = sae.encode(x)
    error, on = errors(sae, x, code)[0], code.counts.float()
    assert 0.8 < error[-2000:].mean() / error[:2000].mean() < 1.25
    assert 0.8 < on[-2000:].mean() / on[:2000].mean() < 1.25


def test_a_quiet_stretch_costs_nothing():
    sae = made("delta", tolerance=0.2)
    quiet = drifting(1, 1, seed=7).expand(1, 50, 16) + 0.001 * torch.randn(1, 50, 16)
    code = sae.encode(quiet).dense()[0]
    assert (code[0] != 0).any()
    assert torch.equal(code, code[:1].expand_as(code))


def test_more_tolerance_means_fewer_changes():
    x = drifting(seed=8)
    changes = []
    for tolerance in (0.0, 0.1, 0.3, 1.0):
        code = made("delta", tolerance=tolerance).encode(x).dense()
        changes.append(int((code[:, 1:] != code[:, :-1]).sum()))
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < 0.5 * changes[0]


def test_without_tolerance_delta_is_never_worse_than_the_inner_code():
    sae, x = made("delta", tolerance=0.0), drifting(seed=9)
    inside = plain(sae)
    ours, theirs = errors(sae, x, sae.encode(x)), errors(inside, x, inside.encode(x))
    assert (ours <= theirs * (1 + 1e-4) + 1e-6).all()


def test_any_recipe_can_be_given_a_memory_after_training(tmp_path):
    x = drifting()
    for name, settings in (
        ("topk", {"k": 4}),
        ("jumprelu", {}),
        ("matryoshka_batch_topk", {"k": 4}),
    ):
        sae = st.dictionary(name, d_in=16, width=48, **settings)
        init_from_data(sae, x.reshape(-1, 16))
        for kind, own in (("hysteresis", {"low": 0.6}), ("delta", {"tolerance": 0.2})):
            again = st.wrap_stateful(sae, kind, **own)
            assert again.is_stateful and not sae.is_stateful
            assert torch.equal(again.atoms, sae.atoms)
            again.save(tmp_path / name / kind)
            loaded = st.load(tmp_path / name / kind)
            assert torch.equal(loaded.encode(x).dense(), again.encode(x).dense())


def test_what_makes_no_sense_says_why():
    sae = st.dictionary("topk", d_in=16, width=48, k=4)
    with pytest.raises(UnknownNameError, match="unknown stateful sparsifier 'hysteresys'"):
        st.wrap_stateful(sae, "hysteresys")
    with pytest.raises(ConfigError, match="leave out `inner`"):
        st.wrap_stateful(sae, "delta", inner={"kind": "relu"})
    with pytest.raises(ConfigError, match=r"got low=.* expected a share of the threshold above 0"):
        st.wrap_stateful(sae, "hysteresis", low=1.5)
    with pytest.raises(
        ConfigError, match=r"got tolerance=.* expected a share of the variance of at least 0"
    ):
        st.wrap_stateful(sae, "delta", tolerance=-0.1)
    with pytest.raises(ConfigError, match="neither a threshold nor a k"):
        st.wrap_stateful(st.dictionary("relu_l1", d_in=16, width=48), "hysteresis")
    with pytest.raises(ConfigError, match="without memory, and 'delta' has one"):
        st.wrap_stateful(st.wrap_stateful(sae, "delta"), "hysteresis")
    with pytest.raises(ConfigError, match="nothing else may be reconstructed"):
        st.wrap_stateful(st.dictionary("transcoder", d_in=16, width=48), "delta")


def variation(rows, lengths, slow=2):
    """The term on strengths that are given by hand."""
    values = torch.tensor(rows, requires_grad=True)
    sae = st.dictionary("slow_fast", d_in=4, width=3, k=2, slow=slow / 3)
    code = SparseCode.from_dense(values)
    segments = st.Segments.of_lengths(lengths)
    batch = st.Batch(torch.zeros(len(rows), 4), segments=segments)
    support = Support(code.offsets, code.indices, 3)
    step = made_pass(sae, batch.x, support, code.values, code.values, batch=batch)
    return TotalVariation(1.0).loss(step), values


def test_variation_is_the_share_of_strength_that_changes():
    rows = [[1.0, 0.0, 9.0], [1.0, 2.0, 0.0], [0.5, 0.0, 3.0]]
    loss, values = variation(rows, [3])  # |0| + |2|, then |0.5| + |2|, of 1 + 3 + 3 + 0.5
    torch.testing.assert_close(loss, torch.tensor(4.5 / 7.5))
    loss.backward()
    assert (values.grad[:, 2] == 0).all(), "the fast part is free"
    assert values.grad[0, 1] == 0, "what is off has no gradient"


def test_variation_does_not_look_across_stretches():
    still = [[1.0, 0.0, 0.0]] * 2 + [[0.0, 2.0, 0.0]] * 2
    assert variation(still, [2, 2])[0] == 0
    assert variation(still, [4])[0] > 0
    assert variation(still, [1, 1, 1, 1])[0] == 0


def test_variation_needs_a_slow_part_and_time():
    with pytest.raises(ConfigError, match="slows the first group"):
        st.compose(
            d_in=4,
            width=8,
            sparsifier={"kind": "top_k", "k": 2},
            objective=["mse", {"kind": "total_variation", "weight": 0.1}],
        )
    sae = st.dictionary("slow_fast", d_in=16, width=64, k=4)
    with pytest.raises(DataError, match="slow_fast needs segments, which the batch does not give"):
        sae.forward_train(torch.zeros(8, 16))


def test_the_slow_part_learns_to_dwell(tmp_path):
    x = planted(6400, seed=3, sequences=40, active=4)
    share = []
    for weight in (0.0, 1.0):
        sae = st.dictionary("slow_fast", d_in=16, width=64, k=4, variation=weight)
        st.train(
            sae,
            x,
            out=tmp_path / str(weight),
            rows=40_000,
            batch=256,
            window=32,
            learning_rate=3e-3,
            show=False,
        )
        slow = sae.encode(x).prefix(sae.groups[0]).dense()
        share.append(float(slow.diff(dim=1).abs().sum() / (slow[:, 1:] + slow[:, :-1]).sum()))
    assert share[1] < 0.9 * share[0]
