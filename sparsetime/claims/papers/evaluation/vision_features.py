"""Vision SAE probing: unlike images by codes and by embeddings, and the hierarchy of labels."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.out_of_distribution import (
    energy_score,
    hierarchy_agreement,
    mahalanobis_score,
)
from sparsetime.models.hooks import recording
from sparsetime.testbeds.trained.shape_images import CLASSES, ShapeImages, shapes_model

SITE = "vit.layers.1"
CLIPS, TESTED, WIDTH, K, ROWS = 150, 60, 192, 8, 20_000


@claim(
    "vision_features",
    system=6,
    says="An energy score of codes separates images without colour, never seen before, from "
    "others, and distances of codes agree with the hierarchy of labels above shuffled labels.",
    data="a vision transformer of 3 layers trained on made images of shapes, layer 1; images "
    "without colour are the unseen ones",
    expects=[
        AtLeast("AUROC of the energy of codes", than=0.6),
        Less("agreement of codes, shuffled labels", than="agreement of codes"),
        Less("p of the agreement of codes", than=0.05),
    ],
    seconds=45,
    rule="on small vision encoder activations, an SAE-feature OOD score reports AUROC beside raw "
    "embeddings, with label-hierarchy agreement above shuffled labels.",
    notes="Codes and embeddings are means over the patches of an image; the score of embeddings is "
    "minus their Mahalanobis distance, so that the two differ in more than the basis. Hierarchy: "
    "colour, then shape.",
    null=lambda lab, seed: _values(lab, seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of the patches of training images."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: the null: images and labels are exchanged at random."""
    from sklearn.metrics import roc_auc_score

    x = _activations(500, CLIPS)
    sae = dictionary("topk", d_in=x.shape[2], width=WIDTH, k=K, seed=seed)
    lab.train(sae, x.flatten(0, 1), rows=ROWS, seed=seed)
    data = ShapeImages(TESTED, seed=1000 + seed)
    seen, unseen = (_activations(1000 + seed, TESTED, grey) for grey in (False, True))
    classes = data.classes
    if shuffled:
        draw = seeds.torch_generator(seed, "random choice")
        order = torch.randperm(2 * len(seen), generator=draw)
        both = torch.cat([seen, unseen])[order]
        seen, unseen = both[: len(seen)], both[len(seen) :]
    known = np.repeat([1, 0], [len(seen), len(unseen)])
    codes = [sae.encode(part.flatten(0, 1)).dense().detach() for part in (seen, unseen)]
    pooled = [one.reshape(len(classes), -1, WIDTH).mean(1) for one in codes]
    energy = energy_score(SparseCode.from_dense(torch.cat(pooled)))
    means = torch.cat([seen.mean(1), unseen.mean(1)])
    distance = mahalanobis_score(means, x.mean(1))
    tree = _tree()
    of_codes, of_raw = (
        hierarchy_agreement(rows, classes.numpy(), tree, seed) for rows in (pooled[0], seen.mean(1))
    )
    return {
        "AUROC of the energy of codes": float(roc_auc_score(known, energy)),
        "AUROC of the distance of embeddings": float(roc_auc_score(known, distance)),
        "agreement of codes": of_codes.value,
        "agreement of codes, shuffled labels": of_codes.null,
        "p of the agreement of codes": float(of_codes.details["p"]),
        "agreement of embeddings": of_raw.value,
    }


def _tree() -> Float[np.ndarray, "classes classes"]:
    """Distance of two classes: 0 for the same, 1 for one colour, 2 for others."""
    colour = np.array([name.split()[0] for name in CLASSES])
    same = colour[:, None] == colour
    return np.where(np.eye(len(CLASSES)), 0.0, np.where(same, 1.0, 2.0))


@cache
def _activations(seed: int, clips: int, grey: bool = False) -> Float[Tensor, "images patches d"]:
    """Activations of the patches of images; without colour if grey."""
    images = ShapeImages(clips, seed=seed).images
    model, _ = shapes_model()
    with torch.no_grad(), recording(model.model, SITE) as found:
        model.model(pixel_values=images.mean(1, keepdim=True).expand_as(images) if grey else images)
    return found[SITE][:, 1:]
