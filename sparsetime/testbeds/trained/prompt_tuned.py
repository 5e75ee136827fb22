"""Prompt tuning: learned tokens beside the patches of an image, and new class vectors."""

from __future__ import annotations

import copy
from typing import Any, cast, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from sparsetime import seeds
from sparsetime.testbeds.trained.trained_model import train_steps

PROMPTS = 4
#: Gains of red, green and blue of a cold light, under which images have other colours.
COLD_LIGHT = (0.3, 0.6, 1.0)
_BATCH, _STEPS, _RATE, _SPREAD = 48, 120, 1e-2, 0.02


@final
class PromptedEmbeddings(nn.Module):
    """Embeddings of patches with learned tokens between the class token and the patches."""

    def __init__(self, embeddings: nn.Module, d: int, seed: int) -> None:
        super().__init__()
        self.embeddings = embeddings
        draw = seeds.torch_generator(seed, "prompt tuning", "prompts")
        self.prompts = nn.Parameter(_SPREAD * torch.randn(PROMPTS, d, generator=draw))

    @property
    def patch_embeddings(self) -> nn.Module:
        """That of the embeddings, which the model around them reads."""
        return cast(nn.Module, self.embeddings.patch_embeddings)

    def forward(self, *images: Any, **named: Any) -> Float[Tensor, "batch tokens d"]:
        x = self.embeddings(*images, **named)
        prompts = self.prompts.expand(len(x), -1, -1)
        return torch.cat([x[:, :1], prompts, x[:, 1:]], dim=1)


def prompt_tuned(
    model: nn.Module,
    images: Float[Tensor, "images 3 height width"],
    classes: Int[Tensor, " images"],
    seed: int = 0,
) -> nn.Module:
    """A copy of a vision transformer of `shapes_model` that is adapted to images by prompts.

    Four tokens beside the patches and the class vectors of the head are trained together, 120 steps
    of AdamW on 48 images; the model given is left as it is. The class vectors stand for what text
    prompts change in a model of images and text.

    Source: Jia et al. 2022, Visual Prompt Tuning, arXiv:2203.12119 (shallow prompts); Khattak et
    al. 2023, MaPLe, arXiv:2210.03117, adapts both sides.
    """
    adapted: Any = copy.deepcopy(model)
    adapted.requires_grad_(False)
    vit = adapted.vit
    vit.embeddings = PromptedEmbeddings(vit.embeddings, adapted.config.hidden_size, seed)
    adapted.classifier.requires_grad_(True)
    draw = seeds.torch_generator(seed, "prompt tuning", "images")

    def loss(_: int) -> Tensor:
        rows = torch.randint(len(images), (_BATCH,), generator=draw)
        logits = adapted(pixel_values=images[rows]).logits
        return functional.cross_entropy(logits, classes[rows])

    with torch.enable_grad():
        train_steps(adapted, loss, _STEPS, _RATE)
    return cast(nn.Module, adapted.requires_grad_(False).eval())


def under_cold_light(
    images: Float[Tensor, "images 3 height width"],
) -> Float[Tensor, "images 3 height width"]:
    """Images whose red and green are dimmed to 0.3 and 0.6."""
    return images * torch.tensor(COLD_LIGHT)[:, None, None]
