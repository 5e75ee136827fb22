"""The transformer over patches that several recipes train."""

from __future__ import annotations

from typing import Any


def patch_encoder(patch: int, layers: int) -> dict[str, Any]:
    """View and mixers of a transformer that reads patches on both sides, for `compose_model`."""
    return {
        "view": {"kind": "patches", "size": patch},
        "mixers": ["bidirectional_attention"] * layers,
    }
