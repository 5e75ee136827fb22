"""CSR: retrieval by sparse codes of embeddings, against truncated embeddings."""

import time

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary

SITE, SEGMENT = "encoder.layer.5", 16
WIDTH, ROWS, BATCH = 1536, 40_000, 512
KS = (8, 16, 32)


@claim(
    "csr",
    system=152,
    says="With 8, 16 and 32 active latents the nearest neighbour of a held-out embedding is of the "
    "same document more often than by as many of the embedding's dimensions.",
    data="segments of 16 tokens, embedded as all-MiniLM-L6-v2 embeds sentences, by the mean of "
    "its last layer; held-out documents",
    expects=[Less(f"right by {k} dimensions", than=f"right by {k} latents") for k in KS],
    notes="Partners are neighbouring segments; the paper has pairs of images, of texts, or both. "
    "Seconds are of dense products on both sides, which is no index for sparse codes. Codes of "
    "untrained dictionaries are better than truncated embeddings too, .96 against .72 with 8 "
    "latents, as the null shows: most of it is not learnt (.98 after training).",
    null=UNTRAINED,
    rule="With 8 to 32 active units, nearest-neighbour accuracy on frozen embeddings beats "
    "truncated embeddings of equal active size, with search time reported.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Right: the share of held-out segments whose nearest other one is of their document."""
    data = lab.real(SITE)
    x, document = _embeddings(data.train_store, data.train)
    held_out, held_out_document = _embeddings(data.held_out_store, data.held_out)
    beside = document[1:] == document[:-1]
    pairs = {"x": x[1:][beside], "earlier": x[:-1][beside]}
    whole = held_out - held_out.mean(0)
    right, seconds = _right(whole, held_out_document)
    values = {"right by all dimensions": right, "seconds by all dimensions": seconds}
    for k in KS:
        sae = dictionary("csr", d_in=data.d, width=WIDTH, k=k, seed=seed)
        lab.train(sae, pairs, rows=ROWS, batch=BATCH, seed=seed)
        for by, codes in (
            ("latents", sae.encode(held_out).dense()),
            ("dimensions", whole[:, :k]),
        ):
            right, seconds = _right(codes, held_out_document)
            values[f"right by {k} {by}"] = right
            values[f"seconds by {k} {by}"] = seconds
    return values


def _embeddings(
    store: Store, rows: Float[Tensor, "rows d"]
) -> tuple[Float[Tensor, "segments d"], Int[Tensor, " segments"]]:
    """Means of whole segments of length one, and the number of each one's document."""
    documents = rows.split(store.segments.lengths.tolist())
    means = [
        document_rows.unfold(0, SEGMENT, SEGMENT).mean(2)
        for document_rows in documents
        if len(document_rows) >= SEGMENT
    ]
    number = torch.cat(
        [torch.full((len(document_rows),), at) for at, document_rows in enumerate(means)]
    )
    return normalize(torch.cat(means), dim=1), number


def _right(
    codes: Float[Tensor, "segments some"], document: Int[Tensor, " segments"]
) -> tuple[float, float]:
    """By the cosine; and the seconds that the search takes."""
    began = time.monotonic()
    unit = normalize(codes, dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    nearest = cosine.argmax(1)
    seconds = time.monotonic() - began
    return float((document[nearest] == document).float().mean()), seconds
