"""MDL-SAE: minimum of the description length inside a grid of widths and sparsities."""

from collections.abc import Iterable, Mapping
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.objectives.description_length import bits
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.sparsifiers import TopK

WIDTHS, KS = (16, 128, 1024, 8192), (1, 4, 16, 64)
PRECISION, ROWS = 0.02, 30_000


@claim(
    "mdl_sae",
    system=154,
    says="Over a grid of widths and sparsities the bits per activation are fewest inside, while "
    "FVU is lowest at an edge; an MDL-SAE, which has no k to be searched, needs at most 5% more "
    "bits than the best of the grid.",
    data="the code model, layer 1 of 4; the grid is read on tuning documents, values are of "
    "held-out documents",
    expects=[
        Less("fewest bits inside", than="fewest bits at an edge"),
        Less("least FVU at an edge", than="least FVU inside"),
        AtMost("bits of MDL-SAE", than="fewest bits inside", times=1.05),
    ],
    notes="One dictionary of every width serves all sparsities, trained at several at once. "
    "Bits are of code and residual, at the precision that MDL-SAE has by default; bits of "
    "the dictionary itself are not counted.",
    null=UNTRAINED,
    rule="Bits over a width-by-sparsity grid have an interior minimum on real activations, "
    "unlike error or L0, which favour the grid's edges.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Inside: neither the narrowest width nor the widest, neither the least k nor the most. Which
    of each is best, and the width of the MDL-SAE, are chosen on tuning documents.
    """
    code = lab.code()
    tuned, bits_at, fvu_at = {}, {}, {}
    for width in WIDTHS:
        most = min(width, KS[-1])
        sae = dictionary("msae", d_in=code.d, width=width, k=most, least=1, seed=seed)
        lab.train(sae, code.train, rows=ROWS, seed=seed)
        for k in KS:
            sae.sparsifier = TopK(min(k, width))
            tuned[width, k] = _bits(sae, code.tuning), lab.fvu(sae, code.tuning)
            bits_at[width, k] = _bits(sae, code.held_out)
            fvu_at[width, k] = lab.fvu(sae, code.held_out)
    inner = set(product(WIDTHS[1:-1], KS[1:-1]))
    edge = tuned.keys() - inner
    fewest, least = (
        {"inside": _lowest(tuned, inner, n), "edge": _lowest(tuned, edge, n)} for n in (0, 1)
    )
    best = _lowest(tuned, tuned.keys(), 0)
    width = best[0]
    mdl = dictionary("mdl_sae", d_in=code.d, width=width, precision=PRECISION, seed=seed)
    lab.train(mdl, code.train, rows=ROWS, seed=seed)
    return {
        "fewest bits inside": bits_at[fewest["inside"]],
        "fewest bits at an edge": bits_at[fewest["edge"]],
        "least FVU inside": fvu_at[least["inside"]],
        "least FVU at an edge": fvu_at[least["edge"]],
        "width with the fewest bits": float(width),
        "k with the fewest bits": float(best[1]),
        "bits of MDL-SAE": _bits(mdl, code.held_out),
        "L0 of MDL-SAE": lab.l0(mdl, code.held_out),
        "FVU of MDL-SAE": lab.fvu(mdl, code.held_out),
    }


def _lowest(
    tuned: Mapping[tuple[int, int], tuple[float, float]], among: Iterable[tuple[int, int]], by: int
) -> tuple[int, int]:
    """The width and k with the fewest bits (0), or the least FVU (1), on tuning rows."""
    return min(sorted(among), key=lambda at: tuned[at][by])


@torch.no_grad()
def _bits(sae: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Mean bits for a row, per dimension."""
    code = sae.encode(x)
    active = code.values != 0
    frequency = torch.bincount(code.indices[active], minlength=sae.width) / len(x)
    scale = sae.normalisation.scale
    second_moment = code.values[active].square().mean()
    error = ((sae.decode(code) - x) / scale).square().mean(0)
    return float(bits(frequency, second_moment, error, PRECISION)) / x.shape[1]
