"""T-SAE: its high-level code is smoother and says more about the document, at little cost."""

import torch

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.nearest_centroid import (
    class_numbers,
    classes_within,
    document_numbers,
    nearest_centroid_accuracy,
    neighbour_cosine,
)
from sparsetime.dictionaries.recipes import dictionary

WIDTH, K, ROWS, HIGH = 1024, 32, 120_000, 0.2
# Weight and sharpness of the contrast with a random earlier partner: chosen on tuning documents.
CONTRAST, TEMPERATURE, LAG = 0.15, 0.3, (1, 255)


@claim(
    "temporal_matryoshka",
    says="The high-level code tells documents and their sections apart better than the low-level "
    "code, and than the first group of a Matryoshka dictionary of the same two prefixes; it is "
    "more alike in neighbours than both; and at most 5% more is left unexplained.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("documents told, low-level", than="documents told, high-level"),
        Less("documents told, Matryoshka's first", than="documents told, high-level"),
        Less("sections told, low-level", than="sections told, high-level"),
        Less("sections told, Matryoshka's first", than="sections told, high-level"),
        Less("likeness of neighbours, low-level", than="likeness of neighbours, high-level"),
        Less(
            "likeness of neighbours, Matryoshka's first", than="likeness of neighbours, high-level"
        ),
        AtMost("FVU of T-SAE", than="FVU of Matryoshka", times=1.05),
    ],
    notes="The partner is any of the 255 rows before, as in the authors' code. With the row before "
    "as the partner the high-level code is smoother still and tells documents hardly better than "
    "Matryoshka's. Weight and length of training were searched with three tuning seeds on tuning "
    "documents, after weights of 0.3 and 0.2 had left some 7% more unexplained on the reported "
    "ones at half the rows, and 0.1 had not set the high level apart from the low one: a stronger "
    "contrast tells documents better, and costs error. The paper's probes are logistic; here the "
    "nearest mean code decides.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """High-level: the first fifth of the latents, and Matryoshka's first group is of that size."""
    real = lab.real()
    documents = document_numbers(real.held_out_store)
    sections = classes_within(class_numbers(real.held_out_store, "section"), documents)
    values = {}
    for name, recipe, own, lag in (
        (
            "T-SAE",
            "temporal_matryoshka",
            {
                "high_fraction": HIGH,
                "contrastive_weight": CONTRAST,
                "temperature": TEMPERATURE,
            },
            LAG,
        ),
        ("Matryoshka", "matryoshka_batch_topk", {"fractions": (HIGH, 1.0)}, 1),
    ):
        sae = dictionary(recipe, d_in=real.d, width=WIDTH, k=K, seed=seed, **own)
        lab.train(sae, real.train_store, rows=ROWS, seed=seed, lag=lag)
        code = torch.cat([sae.encode(x).dense() for x in real.held_out.split(4096)])
        first = sae.groups[0]
        parts = {"high-level": code[:, :first], "low-level": code[:, first:]}
        if name == "Matryoshka":
            parts = {"Matryoshka's first": code[:, :first]}
        for part, own_code in parts.items():
            values[f"documents told, {part}"] = nearest_centroid_accuracy(own_code, documents)
            values[f"sections told, {part}"] = nearest_centroid_accuracy(own_code, sections)
            values[f"likeness of neighbours, {part}"] = neighbour_cosine(own_code, documents)
            values[f"L0, {part}"] = float((own_code > 0).sum(1).float().mean())
        values[f"FVU of {name}"] = lab.fvu(sae, real.held_out)
    return values
