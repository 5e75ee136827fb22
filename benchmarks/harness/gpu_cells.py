"""The cells of benchmarks/gpu.py, most important first, and who takes part in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

OURS = "sparsetime"
PRODUCT = "one bfloat16 encoder product"


@dataclass(frozen=True)
class Cell:
    """One size of one recipe. dtype: of sparsetime's selection.

    peers: labels of `ENTRANTS`. alone: one entrant at a time, where they do not fit beside each
    other into the memory of a card.
    """

    recipe: str
    d: int
    width: int
    k: int = 32
    batch: int = 4096
    dtype: str = "bfloat16"
    peers: tuple[str, ...] = ("SAELens", "sparsify")
    alone: bool = False

    @property
    def name(self) -> str:
        return (
            f"{self.recipe}, d {self.d:,}, width {self.width:,}, k {self.k}, "
            f"batch {self.batch:,}, {self.dtype}"
        )

    def entrants(self, device: str) -> dict[str, tuple[str, dict[str, Any]]]:
        """Label -> (library, its task)."""
        common = {
            "recipe": self.recipe,
            "width": self.width,
            "k": self.k,
            "batch": self.batch,
            "device": device,
        }
        chosen = {OURS: (OURS, {"options": {"selection_dtype": self.dtype}})}
        chosen |= {label: ENTRANTS[label] for label in (*self.peers, PRODUCT)}
        return {label: (library, common | own) for label, (library, own) in chosen.items()}


ENTRANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "SAELens": ("sae_lens", {}),
    "SAELens, autocast": ("sae_lens", {"autocast": True}),
    "sparsify": ("sparsify", {}),
    PRODUCT: (OURS, {"recipe": "product"}),
}
_ALL = ("SAELens", "SAELens, autocast", "sparsify")
_LENS = ("SAELens", "SAELens, autocast")
_16K, _131K, _1M = 2**14, 2**17, 2**20

CELLS = (
    Cell("topk", 768, _16K, peers=_ALL),
    Cell("topk", 768, _131K, peers=_ALL),
    Cell("batch_topk", 768, _16K, peers=_LENS),
    Cell("matryoshka_batch_topk", 768, _16K, peers=_LENS),
    Cell("jumprelu", 768, _16K, peers=_LENS),
    Cell("topk", 4096, _16K, k=64),
    Cell("batch_topk", 768, _131K, peers=_LENS),
    Cell("topk", 768, _131K, dtype="float32", peers=()),
    Cell("topk", 768, _131K, k=128, peers=("SAELens, autocast", "sparsify")),
    Cell("topk", 768, _16K, k=128, peers=("SAELens, autocast", "sparsify")),
    Cell("topk", 768, _131K, batch=16384, peers=("sparsify",)),
    Cell("topk", 768, 4096, batch=1024, peers=_ALL),
    Cell("topk", 768, _1M, batch=1024, peers=("sparsify",), alone=True),
    Cell("topk", 4096, _131K, k=64, alone=True),
    Cell("topk", 768, _16K, dtype="float32", peers=()),
    Cell("matryoshka_batch_topk", 768, _131K, peers=_LENS),
    Cell("jumprelu", 768, _131K, peers=_LENS),
    Cell("topk", 768, _131K, k=64, peers=("SAELens, autocast", "sparsify")),
    Cell("topk", 768, _16K, k=64, peers=("SAELens, autocast", "sparsify")),
    Cell("batch_topk", 4096, _16K, k=64, peers=_LENS),
    Cell("topk", 4096, _16K, k=128),
    Cell("matryoshka_batch_topk", 4096, _16K, k=64, peers=_LENS),
    Cell("jumprelu", 4096, _16K, k=64, peers=_LENS),
    Cell("batch_topk", 4096, _131K, k=64, peers=("SAELens, autocast",), alone=True),
)
# Sizes for a trial on a CPU: every path of the script, and nothing to be learnt about speed.
TINY_CELLS = (
    Cell("topk", 16, 64, k=4, batch=32, peers=_ALL),
    Cell("batch_topk", 16, 64, k=4, batch=32, peers=_LENS),
    Cell("jumprelu", 16, 64, k=4, batch=32, dtype="float32", peers=_LENS, alone=True),
)
