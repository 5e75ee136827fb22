"""Base class of mixers that read later steps too, and so cannot stream."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor

from sparsetime.sequence_models.mixers.mixer import Mixer, MixerState


class WholeSequenceMixer(Mixer):
    """A map of whole sequences, without a state and without extra sites."""

    is_causal = False
    extra_sites = ()

    def mix(
        self, x: Float[Tensor, "batch time d"], past: MixerState | None
    ) -> tuple[Float[Tensor, "batch time d"], MixerState]:
        """The outputs of all steps; there is no state."""
        return self.mix_whole(x), MixerState({})

    @abstractmethod
    def mix_whole(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""

    def state_size(self, time: int) -> int:
        """Nothing is carried: 0."""
        return 0
