"""T-SAE: its high-level code is smoother and says more about the document, at little cost."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.dictionaries.recipes import dictionary
from sparsetime.evaluation.claims.claim import AtLeast, AtMost, Lab, Less, claim

WIDTH, K, ROWS, HIGH = 1024, 32, 100_000, 0.2
STRETCH = 32  # rows of a document that are all seen by the classifier, or all not


@claim(
    "temporal_matryoshka",
    says="Beside a Matryoshka dictionary of the same two prefixes, the high-level code of "
    "neighbours is more alike, tells documents apart no worse, and at most a tenth more is left "
    "unexplained.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("likeness of neighbours, Matryoshka", than="likeness of neighbours, T-SAE"),
        AtLeast("documents told, T-SAE", than="documents told, Matryoshka"),
        AtMost("FVU of T-SAE", than="FVU of Matryoshka", times=1.1),
    ],
    notes="The paper's probes are of subjects and of syntax; here the document stands for the "
    "subject, told by the nearest mean code.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """High-level: the first fifth of the latents. Likeness: the mean cosine of their codes."""
    real = lab.real()
    lengths = real.held_out_store.spans.lengths.tolist()
    documents = torch.cat([torch.full((n,), i) for i, n in enumerate(lengths)])
    figures = {}
    for name, recipe, own in (
        ("T-SAE", "temporal_matryoshka", {"high": HIGH}),
        ("Matryoshka", "matryoshka_batch_topk", {"fractions": (HIGH, 1.0)}),
    ):
        sae = dictionary(recipe, d_in=real.d, width=WIDTH, k=K, seed=seed, **own)
        lab.train(sae, real.train_pairs, rows=ROWS, seed=seed)
        first = sae.groups[0]
        high = torch.cat([sae.encode(x).prefix(first).dense() for x in real.held_out.split(4096)])
        figures[f"likeness of neighbours, {name}"] = _likeness(high, documents)
        figures[f"documents told, {name}"] = _told(high, documents)
        figures[f"FVU of {name}"] = lab.fvu(sae, real.held_out)
        figures[f"L0 of {name}, high-level"] = float((high > 0).sum(1).float().mean())
    return figures


def _likeness(code: Float[Tensor, "rows high"], documents: Int[Tensor, " rows"]) -> float:
    alike = torch.cosine_similarity(code[1:], code[:-1], dim=1)
    return float(alike[documents[1:] == documents[:-1]].mean())


def _told(code: Float[Tensor, "rows high"], documents: Int[Tensor, " rows"]) -> float:
    """The share of rows whose document has the mean code nearest by angle; means are over every
    second stretch, and rows are of the other ones.
    """
    unit = torch.nn.functional.normalize(code, dim=1)
    seen = (torch.arange(len(code)) // STRETCH) % 2 == 0
    count = int(documents.max()) + 1
    means = torch.zeros(count, code.shape[1]).index_add_(0, documents[seen], unit[seen])
    guess = (unit[~seen] @ torch.nn.functional.normalize(means, dim=1).T).argmax(1)
    return float((guess == documents[~seen]).float().mean())
