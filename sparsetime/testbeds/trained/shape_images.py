"""Shapes testbed: a small vision transformer that was trained on made images of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from sparsetime import seeds
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.testbeds.clips.generate import COLOURS, SHAPES, clips
from sparsetime.testbeds.trained.trained_model import train_steps, trained_model

SIZE, PATCH = 32, 4
PATCHES = (SIZE // PATCH) ** 2
CLASSES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
SETTINGS = {"d": 48, "layers": 3, "heads": 4, "steps": 1500, "batch": 48, "clips": 1200}
_FRAMES, _TESTED = 4, 200


@final
class ShapeImages:
    """Images of one shape each, with their classes and what each patch shows.

    images: [images, 3, 32, 32], from 0 to 1. classes: numbers in `CLASSES`. covered: the share of
    each patch that the shape covers, [images, 64].
    """

    def __init__(self, count: int, seed: int = 0) -> None:
        listed = clips(count, _FRAMES, SIZE, seed=seed)
        frames = np.concatenate([one.frames for one in listed])
        self.images: Float[Tensor, "images 3 height width"] = (
            torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        )
        names = [f"{one.objects[0].colour} {one.objects[0].shape}" for one in listed]
        numbers = np.repeat([CLASSES.index(name) for name in names], _FRAMES)
        self.classes: Int[Tensor, " images"] = torch.from_numpy(numbers)
        masks = torch.from_numpy(np.concatenate([one.masks for one in listed])).float()
        side = SIZE // PATCH
        shares = masks.reshape(-1, side, PATCH, side, PATCH).mean((2, 4))
        self.covered: Float[Tensor, "images patches"] = shares.flatten(1)


def shapes_model() -> tuple[LoadedModel, dict[str, Any]]:
    """A vision transformer that names colour and shape, and the record of its training.

    ViT architecture, 3 layers (`vit.layers.0` to `vit.layers.2`) of width 48, 4 heads; 64 patches
    of 4 by 4 pixels behind a class token; 12 classes. The first call trains it, in about
    95 seconds of one core. record["measured"]["accuracy"]: on held-out clips.
    """
    model, record = trained_model("shapes", SETTINGS, _make, _train)
    return load_model(model), record


def _make() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    model: nn.Module = ViTForImageClassification(
        ViTConfig(
            hidden_size=SETTINGS["d"],
            num_hidden_layers=SETTINGS["layers"],
            num_attention_heads=SETTINGS["heads"],
            intermediate_size=2 * SETTINGS["d"],
            image_size=SIZE,
            patch_size=PATCH,
            num_labels=len(CLASSES),
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    return model


def _train(model: nn.Module) -> Mapping[str, float]:
    data = ShapeImages(SETTINGS["clips"])
    draw = seeds.torch_generator(0, "random choice")
    order = torch.randperm(len(data.images), generator=draw)
    size = SETTINGS["batch"]

    def loss(step: int) -> Tensor:
        rows = order[torch.arange(step * size, (step + 1) * size) % len(order)]
        logits = model(pixel_values=data.images[rows]).logits
        return functional.cross_entropy(logits, data.classes[rows])

    last = train_steps(model, loss, SETTINGS["steps"], rate=2e-3)
    held_out = ShapeImages(_TESTED, seed=1)
    with torch.no_grad():
        best = model.eval()(pixel_values=held_out.images).logits.argmax(1)
    return {"loss": last, "accuracy": float((best == held_out.classes).float().mean())}
