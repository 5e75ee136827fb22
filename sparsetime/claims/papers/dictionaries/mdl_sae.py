"""MDL-SAE: bits have a minimum inside a grid of widths and sparsities."""

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.objectives.description_length import bits
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.dictionaries.sparsifiers import TopK

WIDTHS, KS = (16, 128, 1024, 8192), (1, 4, 16, 64)
PRECISION, ROWS = 0.02, 30_000


@claim(
    "mdl_sae",
    system=154,
    says="Over a grid of widths and sparsities the bits that tell an activation are fewest inside, "
    "while the error is least at an edge; an MDL-SAE, which has no k to be searched, comes within "
    "a twentieth of the best of the grid.",
    data="the code model, layer 1 of 4; held-out documents",
    expects=[
        Less("fewest bits inside", than="fewest bits at an edge"),
        Less("least FVU at an edge", than="least FVU inside"),
        AtMost("bits of MDL-SAE", than="fewest bits inside", times=1.05),
    ],
    notes="One dictionary of every width serves all sparsities, trained at several at once. "
    "Bits are of code and residual, at the precision that MDL-SAE has by default; telling the "
    "dictionary itself is not counted.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Inside: neither the narrowest width nor the widest, neither the least k nor the most."""
    code = lab.code()
    told, left = {}, {}
    for width in WIDTHS:
        most = min(width, KS[-1])
        sae = dictionary("msae", d_in=code.d, width=width, k=most, least=1, seed=seed)
        lab.train(sae, code.train, rows=ROWS, seed=seed)
        for k in KS:
            sae.sparsifier = TopK(min(k, width))
            told[width, k] = _bits(sae, code.held_out)
            left[width, k] = lab.fvu(sae, code.held_out)
    inner = set(product(WIDTHS[1:-1], KS[1:-1]))
    best = min(told, key=lambda at: told[at])
    width = best[0]
    mdl = dictionary("mdl_sae", d_in=code.d, width=width, precision=PRECISION, seed=seed)
    lab.train(mdl, code.train, rows=ROWS, seed=seed)
    return {
        "fewest bits inside": min(told[at] for at in inner),
        "fewest bits at an edge": min(told[at] for at in told.keys() - inner),
        "least FVU inside": min(left[at] for at in inner),
        "least FVU at an edge": min(left[at] for at in left.keys() - inner),
        "width with the fewest bits": float(width),
        "k with the fewest bits": float(best[1]),
        "bits of MDL-SAE": _bits(mdl, code.held_out),
        "L0 of MDL-SAE": lab.l0(mdl, code.held_out),
        "FVU of MDL-SAE": lab.fvu(mdl, code.held_out),
    }


@torch.no_grad()
def _bits(sae: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Mean bits for a row, per dimension."""
    code = sae.encode(x)
    on = code.values != 0
    frequency = torch.bincount(code.indices[on], minlength=sae.width) / len(x)
    scale = sae.normalisation.scale
    strength = code.values[on].square().mean()
    error = ((sae.decode(code) - x) / scale).square().mean(0)
    return float(bits(frequency, strength, error, PRECISION)) / x.shape[1]
