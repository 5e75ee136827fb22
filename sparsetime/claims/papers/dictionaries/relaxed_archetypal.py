"""RA-SAE against TopK: cosine between the atoms of two trainings."""

from itertools import pairwise

from sparsetime.claims.claim import AtMost, Lab, Less, Replaced, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes.card import dictionary
from sparsetime.testbeds.atom_recovery import recovery

_K, _WIDTH, _ROWS = 32, 512, 60_000


@claim(
    "relaxed_archetypal",
    system=162,
    says="Two trainings of RA-SAE match atoms with a higher mean cosine than two of TopK, at an "
    "error at most a fifth larger.",
    data="MiniLM layer 3, held-out documents; two seeds each, of weights and of the rows' order",
    expects=[
        Less("cosine between two of TopK", than="cosine between two of RA-SAE"),
        AtMost("FVU of RA-SAE", than="FVU of TopK", times=1.2),
    ],
    seconds=90,
    notes="Untrained dictionaries agree too, with a cosine of .71 against .15: both begin at "
    "cluster centres of the same data.",
    null=Replaced("relaxed_archetypal", by="topk"),
    rule="Two seeds of RA-SAE match atoms with higher mean cosine than two TopK SAEs, at "
    "comparable explained variance.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Two dictionaries of each recipe, and their atoms matched one to one."""
    real = lab.real()
    values: dict[str, float] = {}
    for label, name in (("RA-SAE", "relaxed_archetypal"), ("TopK", "topk")):
        pair: list[Dictionary] = []
        for own_seed in (2 * seed, 2 * seed + 1):
            sae = dictionary(name, d_in=real.d, width=_WIDTH, k=_K, seed=own_seed)
            pair.append(lab.train(sae, real.train, rows=_ROWS, seed=own_seed, batch=2048))
        for first, second in pairwise(pair):
            matched = recovery(first.atoms, second.atoms)
            values[f"cosine between two of {label}"] = float(matched.cosine.mean())
        values[f"FVU of {label}"] = lab.fvu(pair[0], real.held_out)
    return values
