"""An LSTM that embeds voices: recordings of one speaker have similar embeddings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.testbeds.wheels.fetch import open_wheel

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

#: Samples a second of its input.
RATE = 16_000
#: Samples of one frame, and between the centres of two: 25 and 10 ms.
FRAME, HOP = 400, 160
_MELS, _WIDTH, _LAYERS = 40, 256, 3


@final
class MelSpectrogram(nn.Module):
    """Power in 40 bands of the mel scale, a frame every 10 ms.

        M[t, m] = sum_k B[k, m] |STFT(x)[t, k]|²

    B: triangles of equal area, evenly spaced on Slaney's mel scale from 0 to 8,000 Hz. Hann's
    window is centred on sample 160 t, with zeros beyond the ends. No logarithm is taken.

    Source: Slaney 1998, Auditory Toolbox; Wan et al. 2018, section 3.
    """

    bands: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        bins = FRAME // 2 + 1
        bands = mel_filter_bank(bins, _MELS, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
        self.register_buffer("bands", torch.tensor(bands, dtype=torch.float32), persistent=False)
        self.register_buffer("window", torch.hann_window(FRAME), persistent=False)

    def forward(self, audio: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch frames mels"]:
        spectrum = torch.stft(
            audio,
            FRAME,
            HOP,
            window=self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.abs().square().transpose(1, 2)
        return power @ self.bands


@final
class VoiceEncoder(nn.Module):
    """Embedding of the voice that was heard until each frame of 10 ms.

        e_t = r_t / |r_t|,  r_t = max(0, W h_t + b),  h = LSTM(mel spectrogram)

    A waveform [batch, samples] at 16 kHz gives [batch, 1 + samples // 160, 256]; the last row is
    the embedding of the recording. Its authors train and read it on 1.6 seconds. Sites: `mel`;
    `lstm`, with three layers of width 256; `linear`.

    Source: Wan, Wang, Papir and Lopez Moreno 2018, Generalized end-to-end loss for speaker
    verification, section 3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram()
        self.lstm = nn.LSTM(_MELS, _WIDTH, _LAYERS, batch_first=True)
        self.linear = nn.Linear(_WIDTH, _WIDTH)

    def forward(self, audio: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch frames width"]:
        hidden, _ = self.lstm(self.mel(audio))
        return nn.functional.normalize(self.linear(hidden).relu(), dim=-1)


def voice_encoder() -> LoadedModel:
    """The network with the weights that the wheel of Resemblyzer carries.

    Errors: those of `open_wheel` where it was not fetched.
    """
    from sparsetime.models.load import load_model

    model = VoiceEncoder()
    saved = open_wheel("resemblyzer").tensors("resemblyzer/pretrained.pt")
    # Two further numbers are of the loss that it was trained on.
    model.load_state_dict({n: v for n, v in saved.items() if not n.startswith("similarity_")})
    return replace(load_model(model.eval()), name="voice encoder")
