"""Encoders of windows: latents read the last steps together."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.state.causal_window import check_long_enough, checked_window, trailing
from sparsetime.kernels import Rule, Support


class WindowEncoder(SelectLinearEncoder):
    """Base class of encoders of the `window` steps that end with the present one.

    Steps before the beginning of a sequence are zero, which is the offset. A single row counts as
    the first step of a sequence. Subclasses define `directions`, [width, window * d_in].
    """

    is_stateful = True
    needs = frozenset({"segments"})
    scalable = True
    latent_tensors: frozenset[str] | None = frozenset({"weight", "bias"})
    weight: nn.Parameter
    window: int

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        check_long_enough(inputs.in_time, self.window)
        return trailing(inputs.x, inputs.in_time, self.window)[0].flatten(1)

    @torch.no_grad()
    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        last = inputs.state.get(self)
        windows, last = trailing(inputs.x, inputs.in_time, self.window, last)
        inputs.state.set(self, last)
        return self.encoded(windows.flatten(1), rule)

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)


@final
@component("windowed")
class WindowedEncoder(WindowEncoder):
    """Windowed encoder of the `window` steps that end with the present one.

        pre[t] = W [x[t - window + 1], ..., x[t]] + b

    weight W: [width, window * d_in], the oldest step first; bias b: [width].

    Source: the encoder of a crosscoder (Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer
    Features and Model Diffing) with steps of time as sites.
    """

    def __init__(self, d_in: int, width: int, window: int = 5) -> None:
        super().__init__(d_in=d_in, width=width, window=checked_window(window))
        self.d_in, self.width, self.window = d_in, width, window
        self.weight = nn.Parameter(torch.zeros(width, window * d_in))
        self.bias = nn.Parameter(torch.zeros(width))

    def directions(self) -> Float[Tensor, "width m"]:
        """Weights of the whole window, as `read` joins its steps."""
        return self.weight

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """As the atoms are over their window; where they have none, by the present step alone."""
        self.weight.zero_()
        self.bias.zero_()
        atoms = self.decoder
        if isinstance(atoms, WindowedDecoder) and atoms.weight.shape == self.weight.shape:
            self.weight.copy_(atoms.weight)
        else:
            self.weight[:, -self.d_in :].copy_(directions)
