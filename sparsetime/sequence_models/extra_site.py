"""Extra sites of a mixer: reads, states and surprise, computed where a hook asks for them."""

from __future__ import annotations

from typing import final

from torch import Tensor, nn


@final
class ExtraSite(nn.Module):
    """A module that passes on a tensor of the mixer, so that hooks record it.

    Nothing calls it while it has no hook: what it would record is not computed then.
    """

    @property
    def is_hooked(self) -> bool:
        """Whether a hook waits for the tensor."""
        return bool(self._forward_hooks or self._forward_pre_hooks)

    def forward(self, x: Tensor) -> Tensor:
        """The tensor itself."""
        return x
