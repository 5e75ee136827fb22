"""Base class of sites of activations, and the points of a model where they lie."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import RegisteredComponent
from sparsetime.models.load import LoadedModel

#: From an activation to its score.
ScoreOf: TypeAlias = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True, eq=False)
class ActivationPoint:
    """The input of a linear module whose entries are left out where their score is low.

    path: of that module. width: entries. score_of: the score of what `scored_path` writes, or of
    the module's own input where that is None. skips_outputs: modules of which an output is not
    needed where the entry is left out, since that is known before they run. reads_path: the module
    whose input a predictor of the scores reads, None where nothing precedes the entries; with a
    predictor, outputs of `predicted_skips` are not needed either.
    """

    path: str
    width: int
    score_of: ScoreOf
    scored_path: str | None = None
    skips_outputs: tuple[str, ...] = ()
    reads_path: str | None = None
    predicted_skips: tuple[str, ...] = ()


class ActivationSite(RegisteredComponent):
    """Which activations of a model are left out, and by which score they are compared."""

    role = "activation_site"

    @abstractmethod
    def points(
        self, model: LoadedModel, sites: Sequence[str] | None, sample: Any
    ) -> list[ActivationPoint]:
        """The points of a model within some modules; None for all.

        sample: an input of the model. Errors: ConfigError for a model without such points.
        """


def absolute(x: Float[Tensor, "*rows entries"]) -> Float[Tensor, "*rows entries"]:
    """Magnitudes, in float32."""
    return x.detach().float().abs()
