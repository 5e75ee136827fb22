"""Base class of mixers: what a step of a sequence model reads of the steps before it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.extra_site import ExtraSite
from sparsetime.sequence_models.reads import by_lag, contributions
from sparsetime.sequence_models.sequence_component import SequenceComponent
from sparsetime.state import ComponentState, RecurrentState


@final
@dataclass(frozen=True)
class MixerState(ComponentState):
    """Tensors that a mixer carries along each stream, [streams, ...]; zero means no past."""

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

    is_causal: whether a step reads earlier steps only; others cannot stream. lags: how far back the
    site "reads" looks; what lies further is its last entry.

    Extra sites are at `sites.reads` and `sites.state`, "blocks.0:reads" for short.
    """

    role: ClassVar[str] = "mixer"
    is_causal: bool = True
    #: Names of the extra sites, each computed by the method `<name>_of` where it is captured.
    extra_sites: tuple[str, ...] = ("reads", "state")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.sites = nn.ModuleDict({name: ExtraSite() for name in self.extra_sites})
        self.lags = 64

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
        past = None if state is None else state.get(self)
        for name, site in self.sites.items():
            if cast(ExtraSite, site).is_hooked:
                site(getattr(self, f"{name}_of")(x, past))
        y, after = self.mix(x, past)
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

    def read_weights(
        self, x: Float[Tensor, "batch time d"]
    ) -> Float[Tensor, "batch heads time time"]:
        """The signed weight with which step t (rows) takes up step i (columns) of a sequence.

        Where outputs are linear in values, it is the weight of a value, and the weighted values are
        the outputs; elsewhere it is `contributions`, gradient times input.
        """
        # Not `self`, whose hooked sites would ask for reads again.
        return contributions(lambda inputs: self.mix(inputs, None)[0], x)

    def reads_of(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> Float[Tensor, "batch time reads"]:
        """`read_weights` by lag, head after head: the row of the site "reads".

        Errors: ConfigError within a stream, whose earlier steps are over.
        """
        if past is not None:
            raise ConfigError(
                "got a stream at the site 'reads', expected whole sequences: weights of steps of "
                "earlier pieces are not kept"
            )
        return by_lag(self.read_weights(x), self.lags).transpose(1, 2).flatten(2)

    def state_of(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> Float[Tensor, "batch time numbers"]:
        """The state after every step as numbers, computed step by step.

        Errors: ConfigError for a state that grows.
        """
        if self.state_size(2) != self.state_size(1):
            raise ConfigError(
                f"got the site 'state' of the mixer {self.kind!r}, whose state grows, expected one "
                "of constant size; give it a window, or capture 'reads'"
            )
        rows = []
        for step in x.unbind(1):
            _, past = self.mix(step[:, None], past)
            rows.append(torch.cat([_numbers(one) for one in past.tensors.values()], 1))
        return torch.stack(rows, 1).to(x.dtype)


def _numbers(value: Tensor) -> Tensor:
    """A tensor of a state as real numbers [streams, numbers]."""
    real = torch.view_as_real(value) if value.is_complex() else value
    return real.flatten(1).double() if real.ndim > 1 else real[:, None].double()


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
