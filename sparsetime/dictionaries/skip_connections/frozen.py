"""An earlier dictionary with frozen weights as a skip connection."""

from __future__ import annotations

from typing import Any, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import from_config
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection

_EXAMPLE = {
    "name": "frozen",
    "encoder": {"kind": "linear", "d_in": 6, "width": 8},
    "sparsifier": {"kind": "top_k", "k": 2},
    "decoder": {"kind": "unit_norm", "width": 8, "d_out": 6},
    "objective": [{"kind": "mse"}],
}


@final
@component("frozen", example={"dictionary": _EXAMPLE})
class FrozenSkip(SkipConnection):
    """Reconstruction by an earlier, frozen dictionary; the code reconstructs its residual.

        target of the code = x - (old(x) - b)

    dictionary: the earlier one as JSON; its weights are saved with the new one's and never
    trained. The new offset b is subtracted, so that the old reconstruction is unchanged where no
    new latent fires.

    Source: Koriagin et al. 2025, Teach Old SAEs New Domain Tricks with Boosting, arXiv:2507.12990.
    """

    host: Composition

    def __init__(self, dictionary: dict[str, Any]) -> None:
        super().__init__(dictionary=dictionary)
        self.dictionary = from_config(dictionary).requires_grad_(False).eval()
        self.d_in, self.d_out = self.dictionary.d_in, self.dictionary.d_out

    @staticmethod
    def of(dictionary: Dictionary) -> FrozenSkip:
        """A skip connection that holds a copy of a dictionary, with its weights."""
        config = dictionary.to_config()
        config.pop("is_fitted", None)  # it is never trained
        skip = FrozenSkip(config)
        skip.dictionary.load_state_dict(dictionary.state_dict())
        return skip

    def incompatibility(self, composition: Composition) -> str | None:
        if not self.dictionary.is_stateful:
            return None
        return (
            f"got the stateful dictionary {self.dictionary.name!r} as a frozen skip connection, "
            "expected one whose code depends on the present row alone; take a stateless dictionary"
        )

    def bind(self, composition: Composition) -> None:
        # Not as an attribute of torch's: the dictionary would become a submodule of itself.
        self.__dict__["host"] = composition

    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        host = self.host
        raw = host.normalisation.restore(x - host.centred(x.new_zeros(1, self.d_in)))
        normalised = host.output_normalisation.normalise(self.dictionary(raw))
        return normalised - host.decoder.bias
