"""The transformer that most recipes of pretraining train, over vectors of any view."""

from __future__ import annotations

from typing import Any


def transformer_encoder(view: str, layers: int, **settings: Any) -> dict[str, Any]:
    """View and mixers of a transformer that reads both sides, for `compose_model`.

    settings: of the view, such as the size of patches.
    """
    return {
        "view": {"kind": view, **settings},
        "mixers": ["bidirectional_attention"] * layers,
    }
