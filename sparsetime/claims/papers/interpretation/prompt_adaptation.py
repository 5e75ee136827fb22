"""PatchSAE: features of patches and their mapping to classes, before and after prompt tuning."""

from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.hooks import recording
from sparsetime.testbeds.trained.prompt_tuned import prompt_tuned, under_cold_light
from sparsetime.testbeds.trained.shape_images import PATCHES, ShapeImages, shapes_model

SITE = "vit.layernorm"
CLIPS, FEW, TESTED = 100, 48, 100  # four images each
WIDTH, K, ROWS = 256, 12, 40_000


@claim(
    "prompt_adaptation",
    system=257,
    says="Prompt tuning raises accuracy; activations of features before and after it are more "
    "alike than those of two images of a class, and class vectors alone, over activations of the "
    "model before, give most of the gain.",
    data="a proxy: a vision transformer of 3 layers that names made images of shapes, in the place "
    "of CLIP; adapted to images under cold light by learned tokens and class vectors",
    expects=[
        Less("accuracy before", than="accuracy after"),
        AtLeast("cosine of activations before and after", than=0.8),
        Less("cosine of two images of a class", than="cosine of activations before and after"),
        AtLeast("share of the gain by the mapping", than=0.5),
        Less("share of the gain by activations", than="share of the gain by the mapping"),
    ],
    seconds=50,
    rule="Before-versus-after comparison shows feature activations barely move, while the "
    "feature-to-class mapping shift explains most of the accuracy gain.",
    notes="Class vectors of a linear head stand for embeddings of class names. The mapping is the "
    "dot product of every atom with every class vector; accuracies are of reconstructions, on "
    "images that adapt nothing. The null permutes which class each class vector's change is of.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of the class token and all patches of the model before."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which changes of class vectors belong to other classes."""
    before = _model()
    few, test = ShapeImages(FEW, seed=2_000 + seed), ShapeImages(TESTED, seed=3_000 + seed)
    after = prompt_tuned(before, under_cold_light(few.images), few.classes, seed)
    rows = _rows()
    sae = dictionary("topk", d_in=rows.shape[1], width=WIDTH, k=K, seed=seed)
    lab.train(sae, rows, rows=ROWS, seed=seed)
    images = under_cold_light(test.images)
    tokens = {"before": _tokens(before, images), "after": _tokens(after, images)}
    heads: dict[str, Any] = {"before": before.classifier, "after": after.classifier}
    rng = seeds.numpy_generator(seed, "random choice")
    if permuted:
        with torch.no_grad():
            for old, new in zip(
                heads["before"].parameters(), heads["after"].parameters(), strict=True
            ):
                new.copy_(old + (new - old)[torch.from_numpy(_moved(len(new), rng))])

    def accuracy(activations: str, mapping: str) -> float:
        x = sae.decode(sae.encode(tokens[activations][:, 0])).detach()
        return float((heads[mapping](x).argmax(1) == test.classes).float().mean())

    codes = {name: _of_images(sae, x) for name, x in tokens.items()}
    base, gain = accuracy("before", "before"), accuracy("after", "after")
    other = _another_of_class(test.classes, rng)
    span = gain - base
    return {
        "accuracy before": base,
        "accuracy after": gain,
        "accuracy, mapping after": accuracy("before", "after"),
        "accuracy, activations after": accuracy("after", "before"),
        "share of the gain by the mapping": (accuracy("before", "after") - base) / span,
        "share of the gain by activations": (accuracy("after", "before") - base) / span,
        "cosine of activations before and after": _cosine(codes["before"], codes["after"]),
        "cosine of two images of a class": _cosine(codes["before"], codes["before"][other]),
        "accuracy of the model before": _accuracy(before, images, test.classes),
        "accuracy of the model after": _accuracy(after, images, test.classes),
    }


def _moved(count: int, rng: np.random.Generator) -> Int[np.ndarray, " classes"]:
    """A permutation that leaves nothing in its place."""
    while True:
        order = rng.permutation(count)
        if not (order == np.arange(count)).any():
            return np.asarray(order)


def _another_of_class(
    classes: Int[Tensor, " images"], rng: np.random.Generator
) -> Int[Tensor, " images"]:
    """For each image the number of a random other clip's image of its class."""
    clip = torch.arange(len(classes)) // 4
    noise = torch.from_numpy(rng.random((len(classes), len(classes))))
    fits = (classes[:, None] == classes[None]) & (clip[:, None] != clip[None])
    return torch.where(fits, noise, -1.0).argmax(1)


def _of_images(sae: Dictionary, tokens: Tensor) -> Float[Tensor, "images width"]:
    """The mean code over the class token and the patches of each image."""
    code = sae.encode(tokens.flatten(0, 1)).dense().detach()
    return code.reshape(*tokens.shape[:2], -1).mean(1)


def _cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=1).mean())


@torch.no_grad()
def _accuracy(model: nn.Module, images: Tensor, classes: Tensor) -> float:
    best = model(pixel_values=images).logits.argmax(1)
    return float((best == classes).float().mean())


@torch.no_grad()
def _tokens(model: nn.Module, images: Tensor) -> Float[Tensor, "images tokens d"]:
    """Activations of the class token and of the patches, without those of prompts."""
    with recording(model, SITE) as found:
        model(pixel_values=images)
    x = found[SITE]
    return torch.cat([x[:, :1], x[:, -PATCHES:]], dim=1)


@cache
def _rows() -> Float[Tensor, "rows d"]:
    """Rows of the model before, of images in plain and in cold light."""
    images = ShapeImages(CLIPS, seed=500).images
    both = torch.cat([images, under_cold_light(images)])
    return _tokens(_model(), both).flatten(0, 1)


@cache
def _model() -> Any:
    model, _ = shapes_model()
    return model.model
