"""A small net that reads clips frame by frame, and clips as its input."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.testbeds.clips.generate import gesture_clips

_GESTURES = 12  # of which `gesture_clips` makes one after the other


@final
class FrameNet(nn.Module):
    """Two linear layers of each frame with GELU behind them, and a map from all frames to classes.

    Maps read [clips, frames, d], so that plans of time act on them.
    """

    def __init__(self, frames: int, pixels: int, width: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(pixels, width)
        self.second = nn.Linear(width, width)
        self.third = nn.Linear(width, width)
        self.head = nn.Linear(frames * width, classes)

    def forward(self, x: Float[Tensor, "clips frames pixels"]) -> Float[Tensor, "clips classes"]:
        for layer in (self.first, self.second, self.third):
            x = nn.functional.gelu(layer(x))
        logits: Tensor = self.head(x.flatten(1))
        return logits


def frame_net(frames: int, pixels: int, width: int, seed: int) -> FrameNet:
    """A net of the twelve gestures of clips, with weights of that seed."""
    with seeds.torch_globals(seed, "initial weights of a frame net"):
        return FrameNet(frames, pixels, width, _GESTURES)


def gesture_frames(
    count: int, frames: int = 12, size: int = 16, seed: int = 0
) -> tuple[Float[Tensor, "clips frames pixels"], Int[Tensor, " clips"]]:
    """Grey frames of gestures, of mean 0 and deviation 1, and the number of each gesture."""
    made = gesture_clips(count, frames, size, seed=seed)
    pixels = torch.stack([torch.from_numpy(one.frames).float().mean(-1) for one in made])
    x = pixels.flatten(2)
    return (x - x.mean()) / x.std(), torch.arange(count) % _GESTURES
