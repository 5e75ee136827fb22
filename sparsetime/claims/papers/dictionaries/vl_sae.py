"""VL-SAE against TopK: latents shared by matching rows of two modalities."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes.card import dictionary

_K, _WIDTH, _ROWS = 8, 256, 80_000


@claim(
    "vl_sae",
    system=53,
    says="Matching rows of two modalities share more of their active latents than under a TopK "
    "SAE, and at least three times as many as mismatched rows.",
    data="two views of planted features (synthetic testbed), which differ by an offset, gains of "
    "the dimensions and noise, in the place of images and their texts",
    expects=[
        Less("shared by pairs, TopK", than="shared by pairs, VL-SAE"),
        AtMost("shared by mismatched rows, VL-SAE", than="shared by pairs, VL-SAE", times=1 / 3),
    ],
    seconds=60,
    notes="Planted features stand in for a model of images and texts.",
    null=UNTRAINED,
    rule="paired image-text embeddings activate more overlapping latents than under a standard"
    " SAE, and far more than mismatched pairs.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """TopK is trained on the rows of both views, each to reconstruct itself."""
    planted = lab.planted(seed, d=32, sequences=25, time=800)
    generator = seeds.torch_generator(seed, "planted atoms")
    offset = torch.randn(planted.d, generator=generator) / planted.d**0.5
    gain = 1 + 0.3 * torch.randn(planted.d, generator=generator)
    generator = seeds.torch_generator(seed, "planted noise")

    def views(x: Float[Tensor, "rows d"]) -> tuple[Tensor, Tensor]:
        noise = 0.1 * x.std() * torch.randn(x.shape, generator=generator)
        return x, x * gain + offset + noise

    first, second = views(planted.train)
    both = torch.cat([first, second])
    pairs = torch.cat([first, second], 1).repeat(2, 1)
    values: dict[str, float] = {}
    for label, name, data in (
        ("VL-SAE", "vl_sae", {"x": both, "target": pairs}),
        ("TopK", "topk", both),
    ):
        sae = dictionary(name, d_in=planted.d, width=_WIDTH, k=_K, seed=seed)
        trained = lab.train(sae, data, rows=_ROWS, seed=seed, learning_rate=1e-3)
        here, there = views(planted.held_out)
        mismatched = there[torch.randperm(len(there), generator=generator)]
        values[f"shared by pairs, {label}"] = _shared(trained, here, there)
        values[f"shared by mismatched rows, {label}"] = _shared(trained, here, mismatched)
    return values


def _shared(trained: Dictionary, first: Tensor, second: Tensor) -> float:
    """Mean share of a row's active latents that are active on its partner too."""
    active, partner = (trained.encode(x).dense() != 0 for x in (first, second))
    shared = (active & partner).sum(1) / active.sum(1).clamp_min(1)
    return float(shared.float().mean())
