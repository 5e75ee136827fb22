"""A detector of speech: the probability that someone speaks, every 32 ms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.testbeds.wheels.fetch import open_wheel

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

#: Samples a second of its input.
RATE = 16_000
#: Samples of a chunk, which gives one row, and of the one before that it reads again.
CHUNK, CONTEXT = 512, 64
_WINDOW, _HOP, _BINS, _WIDTH = 256, 128, 129, 128
_CHANNELS, _STRIDES = (_BINS, 128, 64, 64, _WIDTH), (1, 2, 2, 1)


@final
class SpeechDetector(nn.Module):
    """Probability of speech in each chunk of 512 samples, from it and all earlier ones.

        p_t = sigmoid(w . max(0, h_t) + b),  h = LSTM(encoder(|STFT(x)|))

    A waveform [batch, samples] at 16 kHz gives [batch, samples // 512, 1]. The spectrum of a chunk
    and the 64 samples before it has four frames, which four convolutions make one vector of. Sites:
    `encoder`, the last convolution of each chunk alone; `lstm`, of width 128; `decoder`.

    Source: Silero Team 2024, Silero VAD 6, whose weights these are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stft = nn.Conv1d(1, 2 * _BINS, _WINDOW, _HOP, bias=False)
        layers: list[nn.Module] = []
        pairs = zip(_CHANNELS[:-1], _CHANNELS[1:], _STRIDES, strict=True)
        for before, after, stride in pairs:
            layers += [nn.Conv1d(before, after, 3, stride, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(*layers)
        self.lstm = nn.LSTM(_WIDTH, _WIDTH, batch_first=True)
        self.decoder = nn.Linear(_WIDTH, 1)

    def forward(self, audio: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch chunks 1"]:
        whole = audio[:, : audio.shape[1] // CHUNK * CHUNK]
        chunks = nn.functional.pad(whole, (CONTEXT, 0)).unfold(1, CHUNK + CONTEXT, CHUNK)
        count = chunks.shape[1]
        frames = nn.functional.pad(chunks.flatten(0, 1)[:, None], (0, CONTEXT), mode="reflect")
        real, imaginary = self.stft(frames).split(_BINS, 1)
        encoded = self.encoder((real.square() + imaginary.square()).sqrt())
        hidden, _ = self.lstm(encoded.reshape(-1, count, _WIDTH))
        probability: Tensor = self.decoder(hidden.relu()).sigmoid()
        return probability


def speech_detector() -> LoadedModel:
    """The network with the weights that the wheel of Silero VAD carries.

    Errors: those of `open_wheel` where it was not fetched.
    """
    from sparsetime.models.load import load_model

    saved = open_wheel("silero-vad").tensors("silero_vad/data/silero_vad_16k.safetensors")
    weights = {"stft.weight": saved["stft_conv.weight"]}
    for number in range(len(_STRIDES)):
        for name in ("weight", "bias"):
            weights[f"encoder.{2 * number}.{name}"] = saved[f"conv{number + 1}.{name}"]
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        weights[f"lstm.{name}_l0"] = saved[f"lstm_cell.{name}"]
    weights["decoder.weight"] = saved["final_conv.weight"][:, :, 0]
    weights["decoder.bias"] = saved["final_conv.bias"]
    model = SpeechDetector()
    model.load_state_dict(weights)
    return replace(load_model(model.eval()), name="speech detector")
