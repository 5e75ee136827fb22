"""Base class of mixers: what a step of a sequence model reads of the steps before it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.sequence_component import SequenceComponent
from sparsetime.state import ComponentState, RecurrentState


@final
@dataclass(frozen=True)
class MixerState(ComponentState):
    """Tensors that a mixer carries along each stream, [streams, ...]; zero means no past.

    phase: steps that are over of a chunk that the mixer computes with one memory, the same for all
    streams; 0 for mixers without chunks.
    """

    tensors: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> MixerState:
        """The same state, in which the marked streams have no past."""
        kept = {
            name: torch.where(
                forgotten.reshape(-1, *[1] * (value.ndim - 1)), torch.zeros_like(value), value
            )
            for name, value in self.tensors.items()
        }
        return MixerState(kept)

    def of_streams(self, streams: Tensor) -> MixerState:
        """The state of some streams alone."""
        return MixerState({name: value[streams] for name, value in self.tensors.items()})


class Mixer(SequenceComponent):
    """A map of sequences [batch, time, d] that carries a state along time.

        y_1, ..., y_T, s_T = mix(x_1, ..., x_T, s_0)

    The law: one call on a whole sequence, calls on its pieces of any length, and calls on single
    steps, each with the state of the one before, give the same outputs. Without a state a sequence
    begins with no past. `state_size` says how many numbers a stream carries.

    is_causal: whether a step reads earlier steps only; others cannot stream.
    """

    role: ClassVar[str] = "mixer"
    is_causal: bool = True

    def forward(
        self, x: Float[Tensor, "batch time d"], state: RecurrentState | None = None
    ) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps; a state is read, and holds the past of the next call after.

        Errors: ConfigError for a state where the mixer reads later steps.
        """
        if state is not None and not self.is_causal:
            raise ConfigError(
                f"got a state for the mixer {self.kind!r}, which reads later steps, expected a "
                "causal one; stream with a causal mixer, or give whole sequences"
            )
        y, after = self.mix(x, None if state is None else state.get(self))
        if state is not None:
            state.set(self, after)
        return y

    @abstractmethod
    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps, and the state after the last."""

    @abstractmethod
    def state_size(self, time: int) -> int:
        """How many numbers the state of one stream holds after `time` steps."""


def split_heads(
    x: Float[Tensor, "batch time d"], heads: int
) -> Float[Tensor, "batch heads time d_head"]:
    """The dimensions of every head on an axis of their own."""
    split: Tensor = x.unflatten(2, (heads, -1)).transpose(1, 2)
    return split


def join_heads(x: Float[Tensor, "batch heads time d_head"]) -> Float[Tensor, "batch time d"]:
    """The inverse of `split_heads`."""
    return x.transpose(1, 2).flatten(2)


def check_divides(heads: int, d: int) -> None:
    """Errors: ConfigError where the heads do not divide the dimension."""
    if d % heads:
        raise ConfigError(f"got heads={heads} for d={d}, expected a divisor of d")


def state_numbers(state: MixerState) -> int:
    """Numbers that the state of one stream holds; a complex number counts as two."""
    return sum(
        value[0].numel() * (2 if value.is_complex() else 1) for value in state.tensors.values()
    )
