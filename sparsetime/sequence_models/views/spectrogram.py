"""Spectrogram: the level of a sound by band of frequency, frame after frame."""

from __future__ import annotations

from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.patches import windows
from sparsetime.sequence_models.views.view import ViewComponent

_FLOOR = 1e-10  # of power, 100 dB below a full scale of 1


@final
@component("spectrogram", example={"d": 8, "d_in": 1, "size": 4, "bands": 2})
class MelFrames(ViewComponent):
    """A linear map of the log power of a sound in bands of equal width on the mel scale.

        c_i = log10(B |FFT(w x_{i s .. i s + size - 1})|^2 / size + 1e-10)
        y_i = W (c_i + 5) + b

    w: a Hann window without its zeros; B: triangles, equally wide in mel = 2595 log10(1 + f / 700),
    up to half of `rate`, in Hz. s: the stride, `size` by default, so that frames do not overlap.
    `content` is c_i + 5. Samples at the end that fill no frame are left out.

    Source: Davis and Mermelstein 1980, "Comparison of parametric representations for monosyllabic
    word recognition" (bands on the mel scale).

    Errors: ConfigError for several channels, and for more bands than frequencies.
    """

    def __init__(
        self,
        d: Count,
        d_in: Count = 1,
        size: Count = 256,
        stride: Count | None = None,
        bands: Count = 32,
        rate: Annotated[float, Field(gt=0)] = 16_000.0,
    ) -> None:
        super().__init__(d=d, d_in=d_in, size=size, stride=stride, bands=bands, rate=rate)
        if d_in != 1 or bands > size // 2:
            raise ConfigError(
                f"got d_in={d_in} and {bands} bands of frames of {size} samples, expected one "
                f"channel and at most {size // 2} bands; give a sound of one channel, or size="
            )
        self.size, self.stride, self.content_size = size, stride or size, bands
        self.map = nn.Linear(bands, d)
        self.register_buffer(
            "window", torch.hann_window(size + 2, periodic=False)[1:-1], persistent=False
        )
        self.register_buffer("bank", triangles(bands, size, rate), persistent=False)

    def embed(self, x: Float[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors. Errors: as `content`."""
        vectors: Tensor = self.map(self.content(x))
        return vectors

    def content(
        self, x: Float[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The log power of every frame by band, about 0 for soft speech. Errors: as `windows`."""
        frames = windows(x, 1, self.size, self.stride)[:, :, 0]
        window, bank = self.get_buffer("window"), self.get_buffer("bank")
        power = torch.fft.rfft(frames * window).abs().square() / self.size
        content: Tensor = (power @ bank + _FLOOR).log10() + 5
        return content


def triangles(bands: int, size: int, rate: float) -> Float[Tensor, "frequencies bands"]:
    """Weights of frequencies in bands, triangles of equal width on the mel scale.

    A band that is narrower than the distance of two frequencies has the nearest one.
    """
    top = 2595 * torch.log10(torch.tensor(1 + rate / 2 / 700, dtype=torch.float64))
    edges = 700 * (10 ** (torch.linspace(0, float(top), bands + 2).double() / 2595) - 1)
    frequency = torch.arange(size // 2 + 1).double() * rate / size
    rising = (frequency[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency[:, None]) / (edges[2:] - edges[1:-1])
    bank = torch.minimum(rising, falling).clamp_min(0)
    empty = bank.sum(0) == 0
    nearest = (frequency[:, None] - edges[1:-1]).abs().argmin(0)
    bank[nearest[empty], empty.nonzero()[:, 0]] = 1
    weights: Float[Tensor, "frequencies bands"] = bank.float()
    return weights
