"""Record of a steered run: weights, and the added norm over the norm of the site, by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sparsetime.steering.site_steering import SteeredSteps


@final
@dataclass
class SiteRecord:
    """What was done at one site, by sequence and step.

    weight: of the edits, in [0, 1]. added: norm of what was added to the activations. norm: of the
    activations before; 0 at steps of which no step in the same pass was edited.
    """

    parts: list[SteeredSteps] = field(default_factory=list, repr=False)

    @property
    def weight(self) -> Float[np.ndarray, "batch time"]:
        return np.concatenate([part.weight for part in self.parts], axis=1)

    @property
    def added(self) -> Float[np.ndarray, "batch time"]:
        return self._joined([part.added for part in self.parts])

    @property
    def norm(self) -> Float[np.ndarray, "batch time"]:
        return self._joined([part.norm for part in self.parts])

    @staticmethod
    def _joined(parts: Sequence[np.ndarray | Tensor]) -> Float[np.ndarray, "batch time"]:
        rows = [part.cpu().numpy() if isinstance(part, Tensor) else part for part in parts]
        return np.concatenate(rows, axis=1)

    @property
    def relative_norm(self) -> float:
        """Mean over edited steps of added norm / norm of the site; NaN where none was edited."""
        added, norm = self.added, self.norm
        edited = (added > 0) & (norm > 0)
        return float((added[edited] / norm[edited]).mean()) if edited.any() else float("nan")

    @property
    def edited_steps(self) -> int:
        """Steps at which something was added."""
        return int((self.added > 0).sum())


def summary(record: dict[str, SiteRecord]) -> dict[str, dict[str, Any]]:
    """Edited steps and relative norm of every site, as JSON values."""
    return {
        site: {"edited_steps": one.edited_steps, "relative_norm": one.relative_norm}
        for site, one in record.items()
    }
