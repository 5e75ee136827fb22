"""SAE-V: one feature edited in chosen patches of an image, and the predicted class."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.interventions.patch import Patch, patched
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.trained.shape_images import (
    PATCHES,
    ShapeImages,
    shapes_model,
)

SITE = "vit.embeddings"
CLIPS, WIDTH, K, ROWS = 150, 192, 8, 20_000
EDITED, RANDOM = 160, 4
COVERED = 0.3  # share of a patch by which it counts as of the shape
STRENGTH = 1.0  # norm that is added, in norms of the patch's activation


@claim(
    "patch_edits",
    system=223,
    says="Adding one feature of another class in the patches of a shape turns the prediction to "
    "that class more often than adding random features of equal norm does.",
    data="a vision transformer of 3 layers trained on made images of shapes; embeddings of the "
    "patches that the shape covers",
    expects=[
        Less("turned by random features", than="turned by the feature of the class"),
        Less("turned in patches of the background", than="turned by the feature of the class"),
    ],
    seconds=30,
    rule="Editing one feature in chosen patches flips the predicted class or segment there more "
    "than random features do.",
    notes="Turned: the prediction has the other class's colour, where it had not. Feature of a "
    "class: the latent with the largest difference of mean activation between patches of its "
    "colour and of others, on other images. A small model of made images stands for encoders of "
    "photographs.",
    null=lambda lab, seed: _values(lab, seed, random=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of all patches."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, random: bool = False) -> dict[str, float]:
    """random: the null, in which a random feature is in the class's place."""
    model, accuracy = _model()
    x, colours, covered = _rows()
    sae = dictionary("topk", d_in=x.shape[2], width=WIDTH, k=K, seed=seed)
    lab.train(sae, x.flatten(0, 1), rows=ROWS, seed=seed)
    code = sae.encode(x[covered >= COVERED]).dense().detach()
    colour = colours[:, None].expand(covered.shape)[covered >= COVERED]
    means = torch.stack([code[colour == number].mean(0) for number in range(4)])
    best = (means - (means.sum(0) - means) / 3).argmax(1)
    rng = seeds.numpy_generator(seed, "random choice")
    living = (code > 0).any(0).nonzero()[:, 0].numpy()
    drawn = torch.from_numpy(rng.choice(living, (RANDOM, 4)))
    if random:
        best = drawn[0]
    test = ShapeImages(EDITED // 4, seed=1000 + seed)
    own = test.classes // 3
    target = (own + torch.from_numpy(rng.integers(1, 4, len(own)))) % 4

    def turned(latents: Int[Tensor, " colours"], inside: bool = True) -> float:
        chosen = (test.covered >= COVERED) if inside else _elsewhere(test.covered, rng)
        edit = _adding(sae, latents[target], chosen)
        with torch.no_grad(), patched(model.model, SITE, edit, len(own), PATCHES + 1):
            predicted = model.model(pixel_values=test.images).logits.argmax(1) // 3
        return float((predicted == target).float().mean())

    with torch.no_grad():
        plain = model.model(pixel_values=test.images).logits.argmax(1) // 3
    return {
        "turned by the feature of the class": turned(best),
        "turned by random features": float(np.mean([turned(one) for one in drawn])),
        "turned in patches of the background": turned(best, inside=False),
        "of the other class without an edit": float((plain == target).float().mean()),
        "accuracy of the model": accuracy,
    }


def _elsewhere(covered: Float[Tensor, "images patches"], rng: np.random.Generator) -> Tensor:
    """As many patches of the background as the shape covers, at random."""
    count = (covered >= COVERED).sum(1)
    noise = torch.from_numpy(rng.random(covered.shape)) - 10 * (covered > 0)
    ranks = noise.argsort(1, descending=True).argsort(1)
    return ranks < count[:, None]


def _adding(sae: Dictionary, latents: Int[Tensor, " images"], chosen: Tensor) -> Patch:
    """An atom of one length added in chosen patches; the class token is left alone."""
    atoms = torch.nn.functional.normalize(sae.atoms.detach()[latents], dim=1)

    def patch(x: Tensor) -> Tensor:
        y = x.clone()
        size = STRENGTH * x[:, 1:].norm(dim=2, keepdim=True)
        y[:, 1:] = y[:, 1:] + chosen[:, :, None] * size * atoms[:, None]
        return y

    return patch


@cache
def _rows() -> tuple[Float[Tensor, "images patches d"], Tensor, Tensor]:
    """Activations of all patches, the colour of each image, and what each patch shows."""
    data = ShapeImages(CLIPS, seed=500)
    model, _ = _model()
    with torch.no_grad(), recording(model.model, SITE) as found:
        model.model(pixel_values=data.images)
    return found[SITE][:, 1:], data.classes // 3, data.covered


@cache
def _model() -> tuple[LoadedModel, float]:
    model, record = shapes_model()
    return model, float(record["measured"]["accuracy"])
