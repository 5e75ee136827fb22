"""TTT specialisation: neighbours share few concepts, and a head fitted to them errs less."""

from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.nearest_centroid import document_numbers
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.recipes import dictionary

SITE = "encoder.layer.3"
WIDTH, K, ROWS = 768, 16, 60_000
POOL, QUERIES, CLASSES = 12_000, 400, 24
BLOCK = 256  # rows that are all queries or all neighbours, so that most windows are on one side
NEIGHBOURS = 64  # of a set whose latents are counted
FITTED = 200  # neighbours that a head is fitted to
SIZES = (4, 8, 16, 64, 192)  # dimensions that a head reads
RIDGE = 10.0


@claim(
    "neighbour_specialisation",
    system=185,
    says="Sets of nearest neighbours use fewer distinct latents than random sets, and a head "
    "fitted to neighbours errs less than the global one where it is narrow, by more than where it "
    "is wide.",
    data="MiniLM layer 3 on English documentation; heads that tell 24 documents apart, on 4 to 192 "
    "random directions of the activations",
    expects=[
        Less("distinct latents of neighbours", than="distinct latents of random sets"),
        Less(
            "error of the fitted head, 8 dimensions", than="error of the global head, 8 dimensions"
        ),
        Less("gain, 192 dimensions", than="gain, 8 dimensions"),
    ],
    seconds=60,
    rule="Nearest-neighbour sets use fewer distinct SAE latents than random sets, and a head refit "
    "on neighbours lowers error when width is small.",
    notes="Activations of single tokens stand for the paper's images and contexts, and a head's "
    "dimensions for its width. Errors are mean squared ones of one-hot classes; neighbours are "
    "nearest by cosine in all dimensions. Queries and neighbours are of other blocks of 256 "
    "tokens, so that most are of other windows; they may be of one document, which is the class.",
    null=lambda lab, seed: _values(lab, seed, random=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary, and heads in closed form."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, random: bool = False) -> dict[str, float]:
    """random: the null, in which random rows are in the neighbours' place."""
    real = lab.real(SITE)
    x, labels = _rows(real)
    rng = seeds.numpy_generator(seed, "random choice")
    order = torch.from_numpy(rng.permutation(len(x)))
    apart = (order // BLOCK) % 2 == 1
    queries, pool = order[apart][:QUERIES], order[~apart][:POOL]
    unit = functional.normalize(x - x[pool].mean(0), dim=1)
    near = (unit[queries] @ unit[pool].T).topk(FITTED, dim=1).indices
    other = torch.from_numpy(rng.integers(0, len(pool), near.shape))
    if random:
        near = torch.from_numpy(rng.integers(0, len(pool), near.shape))
    sae = dictionary("topk", d_in=real.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, real.train, rows=ROWS, seed=seed)
    active = sae.encode(x[pool]).dense() > 0
    y = functional.one_hot(labels, CLASSES).float()
    values = {
        "distinct latents of neighbours": _distinct(active, near[:, :NEIGHBOURS]),
        "distinct latents of random sets": _distinct(active, other[:, :NEIGHBOURS]),
    }
    draw = seeds.torch_generator(seed, "random inputs")
    for size in SIZES:
        map_ = torch.randn(real.d, size, generator=draw) / real.d**0.5
        rows = torch.cat([(x - x[pool].mean(0)) @ map_, torch.ones(len(x), 1)], dim=1)
        whole, fitted = _errors(rows, y, queries, pool, near)
        values[f"error of the global head, {size} dimensions"] = whole
        values[f"error of the fitted head, {size} dimensions"] = fitted
        values[f"gain, {size} dimensions"] = 1 - fitted / whole
    return values


def _distinct(active: Tensor, sets: Int[Tensor, "queries members"]) -> float:
    """Mean number of latents that are active on some member of a set."""
    return float(torch.stack([active[one].any(0).sum() for one in sets]).float().mean())


def _errors(
    rows: Float[Tensor, "rows d"], y: Tensor, queries: Tensor, pool: Tensor, near: Tensor
) -> tuple[float, float]:
    """Mean squared error of the global head, and of one fitted from it to each query's neighbours.

    W_local = argmin_W sum over neighbours of |y - W x|^2 + ridge |W - W_global|^2
    """
    x, target = rows[pool], y[pool]
    eye = RIDGE * torch.eye(x.shape[1])
    head = torch.linalg.solve(x.T @ x + eye, x.T @ target)
    whole = (y[queries] - rows[queries] @ head).square().sum(1)
    fitted = []
    for part, own in zip(queries.split(50), near.split(50), strict=True):
        local, rest = x[own], target[own] - x[own] @ head
        change = torch.linalg.solve(local.mT @ local + eye, local.mT @ rest)
        predicted = rows[part][:, None] @ (head + change)
        fitted.append((y[part] - predicted[:, 0]).square().sum(1))
    return float(whole.mean()), float(torch.cat(fitted).mean())


@cache
def _rows(real: Splits) -> tuple[Float[Tensor, "rows d"], Int[Tensor, " rows"]]:
    """Rows of the longest documents, with the document of each."""
    labels = document_numbers(real.train_store)
    sizes = torch.bincount(labels)
    kept = sizes.argsort(descending=True)[:CLASSES]
    number = torch.full((len(sizes),), -1)
    number[kept] = torch.arange(len(kept))
    own = number[labels]
    return real.train[own >= 0], own[own >= 0]
