"""Rows at another rate than the input: their number, values and times, model by model.

Times are compared with receptive fields that this file computes on its own: by impulses, or by the
arithmetic of kernels and strides.
"""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from toy_signals import (
    Crepe,
    CrepeConvolution,
    UNet,
    VoiceEncoder,
    patch_tst,
    strided_convolutions,
    t5,
    video_mae,
    vit,
    vivit,
    wav2vec,
    whisper,
)

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, MismatchError, StoreError

X = torch.zeros(1, 1, 300)
HUNDREDTH = 0.01  # of an input step


def capture(model, data, site, out, **options):
    return st.capture(model, data, site, out, progress=False, **options)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def starts_by_impulse(layers, inputs, step, channels=1):
    """Where rows begin: the centre of the inputs whose impulse changes a row, less half a step."""
    x = random(1, channels, inputs, seed=1).double()
    layers = layers.double()
    with torch.no_grad():
        base = layers(x)
        reads = np.zeros((base.shape[2], inputs), dtype=bool)
        for at in range(inputs):
            changed = x.clone()
            changed[:, :, at] += 1.0
            reads[:, at] = ((layers(changed) - base).abs().amax((0, 1)) > 1e-12).numpy()
    layers.float()
    firsts = reads.argmax(1)
    lasts = inputs - 1 - reads[:, ::-1].argmax(1)
    return (firsts + lasts + 1) / 2 - step / 2


def check_starts(sequence, expected, edges=0):
    """Rows begin as expected; those at the edges read padding, so their fields are cut there."""
    document_step = sequence.input.step if sequence.input else 1.0
    inner = slice(edges, len(sequence) - edges)
    found = (sequence.times / document_step)[inner]
    assert np.abs(found - expected[: len(sequence)][inner]).max() < HUNDREDTH


def test_wav2vec_rows_are_those_of_its_strided_convolutions(tmp_path):
    waves = [
        st.Document(f"w{n}", values=random(n, seed=n), recording=st.Recording(rate=16000))
        for n in (4000, 4333)
    ]
    model = wav2vec()
    store = capture(model, waves, "encoder.layers.1", tmp_path / "s")
    # Receptive field by arithmetic: kernels 10 3 3 3 3 2 2, strides 5 2 2 2 2 2 2, no padding.
    field, hop = 1, 1
    for kernel, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True):
        field, hop = field + (kernel - 1) * hop, hop * stride
    assert (field, hop) == (400, 320)
    for i, wave in enumerate(waves):
        sequence = store.sequence(i)
        rows = (len(wave) - field) // hop + 1
        assert len(sequence) == rows and sequence.unit == "second"
        expected = (field / 2 + hop * np.arange(rows) - hop / 2) / 16000
        assert np.abs(sequence.times - expected).max() < HUNDREDTH / 16000
        assert sequence.durations[0] == pytest.approx(hop / 16000)
    with torch.no_grad():
        states = model(waves[1].values[:, 0][None], output_hidden_states=True).hidden_states
    torch.testing.assert_close(store.sequence(1).values, states[-1][0], rtol=1e-3, atol=1e-4)


def test_whisper_windows_are_padded_and_rows_of_padding_are_not_stored(tmp_path):
    mels = [st.Document(f"m{n}", values=random(n, 8, seed=n), step=0.01) for n in (100, 70, 230)]
    model = whisper()
    store = capture(model, mels, "encoder.layers.1", tmp_path / "s", keep_input=True)
    front = nn.Sequential(model.encoder.conv1, model.encoder.conv2)
    expected = starts_by_impulse(front, 100, 2, channels=8)
    check_starts(store.sequence(0), expected, edges=2)
    # Row r begins at 2 r - 0.5; those whose centre lies in the input are stored.
    assert store.sequences["length"].to_pylist() == [50, 35, 115]
    assert np.allclose(np.diff(store.sequence(2).times), 0.02)  # across three windows
    padded = torch.zeros(1, 8, 100)
    padded[0, :, :70] = mels[1].values.T
    with torch.no_grad(), st.models.recording(model.encoder, "layers.1") as recorded:
        model.encoder(padded)
    expected = recorded["layers.1"][0, :35]
    torch.testing.assert_close(store.sequence(1).values, expected, rtol=1e-3, atol=1e-4)


def test_decoders_have_a_row_for_each_of_their_own_tokens(tmp_path):
    spoken = [
        st.Document(f"m{n}", values=random(n, 8, seed=n), decoder_tokens=tokens)
        for n, tokens in ((100, [1, 5, 6, 7]), (70, [1, 8]), (95, [1, 5, 9]))
    ]
    store = capture(whisper(), spoken, "decoder.layers.1", tmp_path / "w")
    assert store.sequences["length"].to_pylist() == [4, 2, 3] and store.unit == "token"
    assert store.sequence(2).steps["token"].to_pylist() == [1, 5, 9]
    texts = [
        st.Document(str(i), tokens=torch.arange(5 + i) + 2, decoder_tokens=torch.arange(5) + 1)
        for i in range(2)  # the first has as many tokens in the decoder as in the encoder
    ]
    model = t5()
    store = capture(model, texts, "decoder.block.0", tmp_path / "t")
    with torch.no_grad():
        states = model(
            input_ids=texts[1].tokens[None],
            decoder_input_ids=texts[1].decoder_tokens[None],
            output_hidden_states=True,
        ).decoder_hidden_states
    torch.testing.assert_close(store.sequence(1).values, states[1][0], rtol=1e-3, atol=1e-5)
    message = "'0' has no decoder_tokens, and the site lies in the decoder"
    with pytest.raises(DataError, match=message):
        capture(model, [torch.arange(5) + 2], "decoder.block.1", tmp_path / "u")
    encoder = capture(model, texts, "encoder.block.1", tmp_path / "e")
    assert encoder.sequences["length"].to_pylist() == [5, 6]


def test_patches_of_series_keep_their_channel_and_cls_its_name(tmp_path):
    names = ("Fz", "Cz", "Pz")
    series = [
        st.Document(f"s{n}", values=random(n, 3, seed=n), recording=st.Recording(channels=names))
        for n in (96, 40)
    ]
    flat = capture(patch_tst(), series, "encoder.layers.1", tmp_path / "f", feature_map="flatten")
    first = flat.sequence(0)
    assert first.places == list(names) * 12 and len(flat.sequence(1)) == 15
    assert np.array_equal(first.times, np.repeat(8.0 * np.arange(12), 3))
    assert set(first.durations) == {8.0}
    pooled = capture(patch_tst(), series, "encoder.layers.1", tmp_path / "p", feature_map="pool")
    torch.testing.assert_close(
        pooled.sequence(0).values, first.values.reshape(12, 3, -1).mean(1), rtol=1e-4, atol=1e-5
    )
    with_cls = patch_tst(use_cls_token=True)
    store = capture(with_cls, series[:1], "encoder.layers.1", tmp_path / "c", feature_map="pool")
    one = store.sequence(0)
    assert one.places[:6] == ["[CLS]", "patch", "patch", "patch", "patch", "[CLS]"]
    assert one.times[:6].tolist() == [0, 0, 8, 16, 24, 32] and one.durations[:2].tolist() == [32, 8]
    message = r"got a feature map of shape \[2, 3, 4, 16\] .* with 3 places at each time; give"
    with pytest.raises(MismatchError, match=message):
        capture(patch_tst(), series, "encoder.layers.1", tmp_path / "n")


VIDEO = [
    torch.randint(0, 255, (n, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator())
    for n in (8, 5)
]


def test_patches_of_video_have_a_time_and_a_place(tmp_path):
    model = video_mae()
    store = capture(model, VIDEO, "encoder.layer.1", tmp_path / "v", keep_input=True)
    first = store.sequence(0)
    assert np.array_equal(first.times, np.repeat([0.0, 2.0, 4.0, 6.0], 4))
    assert first.places[:4] == ["y 0, x 0", "y 0, x 1", "y 1, x 0", "y 1, x 1"]
    assert first.steps["row_x"].to_pylist()[:4] == [0, 1, 0, 1]
    assert first.input.values(2, 3).shape == (1, 16, 16, 3)
    # The last patch of a step reads its own pixels alone, before attention mixes.
    patches = capture(model, VIDEO, "embeddings.patch_embeddings", tmp_path / "e")
    frames = VIDEO[0].clone()
    frames[:4, 8:, 8:] = 0
    changed = capture(model, [frames], "embeddings.patch_embeddings", tmp_path / "g")
    differs = (patches.sequence(0).values != changed.sequence(0).values).any(1)
    places = [patches.sequence(0).places[int(i)] for i in differs.nonzero()[:, 0]]
    assert places == ["y 1, x 1"] * 2
    assert patches.sequence(0).times[differs.numpy()].tolist() == [0.0, 2.0]
    led = capture(vivit(), VIDEO[:1], "layers.1", tmp_path / "c").sequence(0)
    assert led.places[0] == "[CLS]" and len(led) == 18 and led.durations[0] == 4.0


def test_image_models_over_frames_fold_back(tmp_path):
    model = vit()
    flat = capture(model, VIDEO, "layers.1", tmp_path / "f", feature_map="flatten").sequence(1)
    assert flat.places[:2] == ["[CLS]", "y 0, x 0"] and flat.places[16] == "y 3, x 3"
    assert np.array_equal(flat.times, np.repeat(np.arange(5.0), 17))
    assert (flat.start, flat.step) == (0.0, pytest.approx(1 / 17))  # 17 rows last a frame
    pooled = capture(model, VIDEO, "layers.1", tmp_path / "p", feature_map="pool").sequence(1)
    expected = flat.values.reshape(5, 17, -1)[:, 1:].mean(1)
    torch.testing.assert_close(pooled.values, expected, rtol=1e-3, atol=1e-5)
    assert pooled.times.tolist() == [0, 1, 2, 3, 4]
    frames = [random(n, 1024, seed=n) for n in (9, 5)]
    pitch = capture(Crepe(), frames, "classifier", tmp_path / "c")
    assert pitch.sequences["length"].to_pylist() == [9, 5] and pitch.d == 36
    with torch.no_grad():
        expected = Crepe()(frames[1])
    torch.testing.assert_close(pitch.sequence(1).values.sigmoid(), expected, rtol=1e-4, atol=1e-6)
    wave = capture(CrepeConvolution(), [random(2048)], ".", tmp_path / "k").sequence(0)
    # 254 zeros on either side of 512 taps are one short, as in the published network.
    check_starts(wave, starts_by_impulse(CrepeConvolution(), 2048, 4), edges=80)


class ConvolvedChunks(nn.Module):
    """Chunks of 64 samples are its batch: convolutions give [batch * chunks, channels, places]."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 6, 16, 16), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 5, 4), nn.ReLU()
        )
        self.lstm = nn.LSTM(5, 3, batch_first=True)

    def forward(self, wave):
        chunks = wave.flatten(1).unfold(1, 64, 64)
        encoded = self.encoder(chunks.flatten(0, 1)[:, None])
        return self.lstm(encoded.reshape(len(wave), -1, 5))[0]


def test_channels_of_convolutions_over_chunks_are_features_and_no_places(tmp_path):
    torch.manual_seed(0)
    model, waves = ConvolvedChunks().eval(), [random(640), random(320, seed=1)]
    alone = capture(model, waves, "encoder", tmp_path / "a")  # one place: nothing to choose
    assert (alone.d, alone.sequences["length"].to_pylist()) == (5, [10, 5])
    chunks = waves[1].unfold(0, 64, 64)[:, None]
    with torch.no_grad():
        torch.testing.assert_close(alone.sequence(1).values, model.encoder(chunks)[:, :, 0])
        four = model.encoder[:3](chunks)  # [5, 6, 4]
    for site in ("encoder.1", "encoder.2", "encoder.3:input"):
        pooled = capture(model, waves, site, tmp_path / site, feature_map="pool").sequence(1)
        expected = model.encoder[:2](chunks) if site == "encoder.1" else four
        torch.testing.assert_close(pooled.values, expected.mean(2).detach())
    flat = capture(model, waves, "encoder.2", tmp_path / "f", feature_map="flatten").sequence(1)
    torch.testing.assert_close(flat.values, four.movedim(2, 1).flatten(0, 1))
    assert flat.places[:2] == ["place 0", "place 1"] and flat.times[3:5].tolist() == [0.0, 64.0]
    again = capture(
        model, waves[1:], "encoder.2", tmp_path / "g", settings_from=st.open_store(tmp_path / "f")
    )
    torch.testing.assert_close(again.sequence(0).values, flat.values)


def test_a_strided_convolution_in_windows_is_that_of_the_whole(tmp_path):
    model = strided_convolutions()
    short = capture(model, [random(300)], ".", tmp_path / "w").sequence(0)
    check_starts(short, starts_by_impulse(strided_convolutions(), 300, 10), edges=2)
    cut = capture(model, [random(3000)], "0", tmp_path / "c0", window=500, overlap=20)
    first = capture(model, [random(3000)], "0", tmp_path / "w0").sequence(0)
    torch.testing.assert_close(cut.sequence(0).values, first.values)
    assert np.array_equal(cut.sequence(0).times, first.times)
    assert not cut.manifest.own_times
    gaps = capture(model, [random(3000)], "0", tmp_path / "g0", window=500).sequence(0)
    assert len(gaps) < len(first) and gaps.has_own_times
    kept = np.isin(first.times, gaps.times)
    torch.testing.assert_close(gaps.values, first.values[torch.from_numpy(kept)])


@pytest.mark.parametrize(("site", "step", "start"), [("down", 2, -0.5), ("deep", 4, -1.5)])
def test_a_u_net_takes_padded_documents(tmp_path, site, step, start):
    store = capture(UNet(), [random(201, 2), random(64, 2)], site, tmp_path / "s")
    expected = start + step * np.arange(len(store.sequence(0)))
    check_starts(store.sequence(0), expected)
    layers = {"down": [UNet().down], "deep": [UNet().down, UNet().deep]}[site]
    impulses = starts_by_impulse(nn.Sequential(*layers), 64, step, channels=2)
    check_starts(store.sequence(1), impulses, edges=1)
    assert len(capture(UNet(), [random(201, 2)], "out", tmp_path / "o")) == 201


@pytest.mark.parametrize(
    ("layers", "step"),
    [
        ([nn.ZeroPad1d((0, 1)), nn.Conv1d(1, 4, 3, 2)], 2),
        ([nn.Conv1d(1, 4, 5)], 1),
        ([nn.Conv1d(1, 4, 7, 3, padding=3, dilation=2)], 3),
        ([nn.AvgPool1d(4), nn.Conv1d(1, 2, 3, padding=1)], 4),
    ],
)
def test_times_are_those_of_impulses(tmp_path, layers, step):
    torch.manual_seed(0)
    model = nn.Sequential(*layers)
    store = capture(model, [random(97)], ".", tmp_path / "s")
    check_starts(store.sequence(0), starts_by_impulse(model, 97, step), edges=4)


def test_causal_rows_keep_the_time_of_the_newest_steps_they_read(tmp_path):
    model = nn.Sequential(nn.ConstantPad1d((6, 0), 0.0), nn.Conv1d(1, 4, 8, 2))
    sequence = capture(model, [random(50)], ".", tmp_path / "s").sequence(0)
    assert np.array_equal(sequence.times, 2.0 * np.arange(25))


def test_one_row_a_sequence_lasts_as_long_as_it(tmp_path):
    mels = [random(60, 10), random(44, 10)]
    model = VoiceEncoder()
    store = capture(model, mels, "project", tmp_path / "s")
    assert [store.sequence(i).durations.tolist() for i in range(2)] == [[60.0], [44.0]]
    windows = capture(model, mels, "project", tmp_path / "w", window=16).sequence(0)
    assert windows.times.tolist() == [0, 16, 32, 48]
    assert windows.durations.tolist() == [16, 16, 16, 12]


def test_a_given_rate_is_checked_and_an_offset_taken(tmp_path):
    wave = [st.Document("w", values=random(3000), recording=st.Recording(rate=1000))]
    model = strided_convolutions()
    store = capture(model, wave, ".", tmp_path / "s", rate=100, offset=0.5)
    assert store.sequence(0).times[:2].tolist() == pytest.approx([0.5, 0.51])
    message = r"got rate=50, a row for 20 input steps, and the site '\.' gives one for 10; give"
    with pytest.raises(ConfigError, match=message):
        capture(model, wave, ".", tmp_path / "t", rate=50)
    for settings in ({"rate": 0.0}, {"input_layout": "b x"}):
        (name,) = settings
        with pytest.raises(ConfigError, match=f"got {name}="):
            capture(model, wave, ".", tmp_path / "u", **settings)


def test_labels_of_steps_are_those_at_the_centre_of_a_row(tmp_path):
    labels = {"half": ["first"] * 50 + ["second"] * 50, "step": list(range(100))}
    document = st.Document("x", values=random(100), step_labels=labels)
    steps = capture(nn.Conv1d(1, 2, 10, 10), [document], ".", tmp_path / "s").sequence(0).steps
    assert steps["half"].to_pylist() == ["first"] * 5 + ["second"] * 5
    assert steps["step"].to_pylist() == [4 + 10 * i for i in range(10)]


def test_times_that_are_not_evenly_spaced(tmp_path):
    times = np.cumsum([0.0, *np.linspace(0.5, 1.5, 99)])
    document = st.Document("x", values=random(100), times=times, unit="second")
    plain = capture(nn.Conv1d(1, 2, 3, padding=1), [document], ".", tmp_path / "s").sequence(0)
    assert np.array_equal(plain.times, times)
    assert np.allclose(plain.durations[:-1], np.diff(times))
    strided = capture(nn.Conv1d(1, 2, 10, 10), [document], ".", tmp_path / "t").sequence(0)
    assert np.allclose(strided.times, times[::10])
    with pytest.raises(DataError, match="got the time 1 after 2 at row 2 of the document 'x', exp"):
        st.Document("x", values=random(3), times=[0.0, 2.0, 1.0])
    with pytest.raises(DataError, match=r"got times of shape \[2\] for the 3 steps of the"):
        st.Document("x", values=random(3), times=[0.0, 2.0])


def test_a_captured_clock_resumes_and_reads_as_any_store(tmp_path):
    waves = [random(3000, seed=i) for i in range(4)]
    store = capture(strided_convolutions(), waves, ".", tmp_path / "s", shard_rows=300)
    again = capture(strided_convolutions(), waves, ".", tmp_path / "s", shard_rows=300)
    assert again.fingerprint == store.fingerprint
    rows = len(store)
    assert sum(len(x) for x in store.rows(64)) == rows
    pairs = next(store.pairs(8, lag=2))
    windows, mask = next(store.windows(2, 16))
    assert pairs.shape == (8, 2, 8) and windows.shape == (2, 16, 8) and mask.all()
    part = store.sequence(1).part(5, 9)
    assert np.allclose(part.times, store.sequence(1).times[5:9])
    _, held_out = store.split_by_time(0.25)
    times = held_out.sequence(0).times
    assert np.allclose(times, store.sequence(0).times[-len(times) :])


def test_a_model_without_a_batch_and_recordings_that_are_too_short(tmp_path):
    torch.manual_seed(0)
    model = nn.Conv1d(1, 4, 400, 320)  # takes [channels, time] too, which is no batch
    one = capture(model, [random(4000)], ".", tmp_path / "one", batch=1)
    many = capture(model, [random(4000)], ".", tmp_path / "many")
    assert torch.equal(one.sequence(0).values, many.sequence(0).values) and len(one) == 12
    with pytest.warns(UserWarning, match="1 documents have no steps and were left out.* '1'"):
        assert len(capture(model, [random(4000), random(100)], ".", tmp_path / "short")) == 12
    with pytest.raises(DataError, match="none of its 1 documents has a row, for which 400 input"):
        capture(model, [random(100)], ".", tmp_path / "none")


@pytest.mark.parametrize("compiled", [torch.jit.script, lambda m: torch.jit.trace(m, X)])
def test_torchscript_as_a_whole_is_a_site(tmp_path, compiled):
    model = strided_convolutions().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = compiled(model)
    store = capture(scripted, [random(3000)], ".", tmp_path / "s")
    plain = capture(model, [random(3000)], ".", tmp_path / "p")
    torch.testing.assert_close(store.sequence(0).values, plain.sequence(0).values)
    assert np.array_equal(store.sequence(0).times, plain.sequence(0).times)
    with pytest.raises(ConfigError, match="'0' lies within TorchScript, whose modules run without"):
        capture(scripted, [random(3000)], "0", tmp_path / "t")


def test_sites_of_several_rates_have_a_store_each(tmp_path):
    model, data = strided_convolutions(), [random(3000), random(2000, seed=1)]
    names = ["2", "0", "4"]
    stores = capture(model, data, names, tmp_path / "s")
    assert [store.site for store in stores] == names
    for name, store in zip(names, stores, strict=True):
        alone = capture(model, data, name, tmp_path / f"alone{name}")
        assert store.path == str(tmp_path / "s" / name)
        for number in range(2):
            one, other = store.sequence(number), alone.sequence(number)
            assert torch.equal(one.values, other.values)
            assert np.array_equal(one.times, other.times)
    assert [len(store) for store in stores] == [
        len(s) for s in capture(model, data, names, tmp_path / "s")
    ]


class EveryTenth(nn.Module):
    """Rows 9, 19, …; none of an input of fewer than ten."""

    def forward(self, x):
        return x[:, :, 9::10]


def counted(model):
    """Numbers of sequences of the model's passes over more than 400 steps, in order."""
    passes = []
    model.register_forward_pre_hook(
        lambda _, args: passes.append(len(args[0])) if args[0].shape[-1] > 400 else None
    )
    return passes


@pytest.mark.parametrize("shard_rows", [90, 100_000])
def test_sites_of_several_rates_share_their_passes(tmp_path, shard_rows):
    """Recording 2 is too short for a row of the last site, which numbers its recordings apart."""
    model = nn.Sequential(strided_convolutions()[0], EveryTenth())
    data = [random(n, seed=n) for n in (900, 700, 40, 900, 500, 1200)]
    options = {"shard_rows": shard_rows, "batch": 3}
    passes = counted(model)
    message = "1 documents have no steps and were left out; the first of them is '2'"
    with pytest.warns(UserWarning, match=message):
        fast, slow = capture(model, data, ["0", "1"], tmp_path / "s", **options)
    together = len(passes)
    with pytest.warns(UserWarning, match=message):
        apart = [capture(model, data, s, tmp_path / s, **options) for s in ("0", "1")]
    assert [len(one.sequences) for one in (fast, slow)] == [6, 5]
    assert together < len(passes) - together
    for joint, alone in zip((fast, slow), apart, strict=True):
        assert joint.sequences["id"].to_pylist() == alone.sequences["id"].to_pylist()
        for number in range(len(alone.sequences)):
            one, other = joint.sequence(number), alone.sequence(number)
            torch.testing.assert_close(one.values, other.values)
            assert np.array_equal(one.times, other.times)
    assert fast.manifest.shards != [] and len(fast.manifest.shards) >= len(slow.manifest.shards)


def test_passes_of_several_rates_resume_to_the_same_bytes(tmp_path):
    data = [random(900, seed=n) for n in range(4)]

    model, runs = strided_convolutions(), []
    model.register_forward_pre_hook(lambda _, args: runs.append(args[0].shape[-1]))
    whole = capture(model, data, ["0", "4"], tmp_path / "w", shard_rows=180)
    for left in (3, 2, 1):  # passes of the last recordings that do not run
        model, limit = strided_convolutions(), len(runs) - left

        def stop(_, args, limit=limit, seen=[]):  # noqa: B006  a list a definition
            seen.append(args)
            if len(seen) > limit:
                raise KeyboardInterrupt

        handle = model.register_forward_pre_hook(stop)
        out = tmp_path / str(left)
        with pytest.raises(KeyboardInterrupt):
            capture(model, data, ["0", "4"], out, shard_rows=180)
        handle.remove()
        again = capture(model, data, ["0", "4"], out, shard_rows=180)
        for one, other in zip(whole, again, strict=True):
            assert [s.files for s in one.manifest.shards] == [
                s.files for s in other.manifest.shards
            ]


def test_windows_that_rates_do_not_share_are_run_again(tmp_path):
    """With an overlap, windows of rows of ten steps begin at other steps than those of five."""
    model, data = strided_convolutions(), [random(3000), random(2000, seed=1)]
    stores = capture(model, data, ["0", "4"], tmp_path / "s", window=505, overlap=33)
    for store in stores:
        alone = capture(model, data, store.site, tmp_path / store.site, window=505, overlap=33)
        for number in range(2):
            one, other = store.sequence(number), alone.sequence(number)
            torch.testing.assert_close(one.values, other.values)
            assert np.array_equal(one.times, other.times)


def test_several_rates_check_all_folders_before_any_is_written(tmp_path):
    capture(strided_convolutions(), [random(1000)], "4", tmp_path / "s" / "4")
    with pytest.raises(StoreError, match="force=True"):
        capture(strided_convolutions(), [random(3000)], ["0", "4"], tmp_path / "s")
    assert not (tmp_path / "s" / "0" / "shards").exists()


@pytest.mark.parametrize("named", [False, True])
def test_several_rates_of_data_that_can_be_read_once_are_refused_in_words(tmp_path, named):
    data = iter([random(3000)])
    if named:  # columns of a data set that can be read once
        data = st.activations.dataset_documents(({"wave": one} for one in data), values="wave")
    with pytest.raises(ConfigError) as refused:
        capture(strided_convolutions(), data, ["0", "2", "4"], tmp_path / "s")
    assert str(refused.value).startswith("got sites with rows at several rates (0: a row every 5")
    assert "data that can be read once; give a list" in str(refused.value)
    assert "capture site=['0'] and site=['2', '4'], each with a folder" in str(refused.value)
