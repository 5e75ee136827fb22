"""Temporal Feature Analysis: the predicted code is slow, the novel code is fast."""

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.claims.lab.nearest_centroid import (
    class_numbers,
    classes_within,
    document_numbers,
    nearest_centroid_accuracy,
    neighbour_cosine,
)
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

WIDTH, K, ROWS, WINDOW = 512, 16, 40_000, 32


@claim(
    "temporal_feature_analysis",
    says="Nearest-centroid accuracy for the module and the function of a token is higher on the "
    "predicted code, and for the kind of the token on the novel code; the predicted code of "
    "neighbours is more similar.",
    data="a small language model reading Python, layer 1, held-out modules",
    expects=[
        Less("accuracy for modules, novel", than="accuracy for modules, predicted"),
        Less("accuracy for functions, novel", than="accuracy for functions, predicted"),
        Less("accuracy for kinds, predicted", than="accuracy for kinds, novel"),
        Less("cosine of neighbours, novel", than="cosine of neighbours, predicted"),
    ],
    notes="Attention is initialised to a mean of the past; from random weights the predicted code "
    "ends less slow, with the same signs of all differences. Untrained dictionaries have all "
    "differences too, as the null shows: they are of the composition, and not learnt. FVU is no "
    "part of the claim: at this size TFA has a somewhat higher one than TopK, since its batches "
    "hold a few segments of consecutive steps instead of as many independent rows.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The predicted code is dense, as in the paper. TopK has as many atoms, and as many active
    latents a step as the novel code.
    """
    code = lab.code()
    sae = dictionary("temporal_feature_analysis", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, code.train_store, rows=ROWS, seed=seed, window=WINDOW)
    store = code.held_out_store
    documents = document_numbers(store)
    labels_by_name = {
        "modules": documents,
        "functions": classes_within(class_numbers(store, "function"), documents),
        "kinds": class_numbers(store, "kind"),
    }
    activations, values = encoded(sae, store, code.held_out)
    flat = dictionary("topk", d_in=code.d, width=WIDTH // 2, k=K, seed=seed)
    lab.train(flat, code.train_store, rows=ROWS, seed=seed)
    values["FVU of TopK"] = lab.fvu(flat, code.held_out)
    half = sae.groups[0]
    for part, part_activations in (
        ("predicted", activations[:, :half]),
        ("novel", activations[:, half:]),
    ):
        for name, labels in labels_by_name.items():
            values[f"accuracy for {name}, {part}"] = nearest_centroid_accuracy(
                part_activations, labels
            )
        values[f"cosine of neighbours, {part}"] = neighbour_cosine(part_activations, documents)
        values[f"L0, {part}"] = float((part_activations > 0).sum(1).float().mean())
    return values


@torch.no_grad()
def encoded(
    sae: Dictionary, store: Store, rows: Float[Tensor, "rows d"]
) -> tuple[Float[Tensor, "rows width"], dict[str, float]]:
    """Codes of all documents, each encoded from its first step, and their FVU."""
    codes, error = [], 0.0
    for document in rows.split(store.segments.lengths.tolist()):
        code = sae.encode(document)
        error += float((sae.decode(code) - document).square().sum())
        codes.append(code.dense())
    spread = float((rows - rows.mean(0)).square().sum())
    return torch.cat(codes), {"FVU": error / spread}
