"""Orthogonal matching pursuit against gradient and matching pursuit: FVU."""

from sparsetime.claims.claim import AtMost, Lab, Replaced, claim
from sparsetime.dictionaries.recipes import dictionary

_K, _WIDTH, _ROWS = 8, 128, 12_000


@claim(
    "orthogonal_pursuit",
    says="Trained alike, orthogonal matching pursuit has no higher FVU at equal k than gradient "
    "pursuit and matching pursuit.",
    data="planted features (synthetic testbed), held-out sequences",
    expects=[
        AtMost("FVU of orthogonal_pursuit", than="FVU of gradient_pursuit"),
        AtMost("FVU of orthogonal_pursuit", than="FVU of mp_sae"),
    ],
    seconds=60,
    notes="It holds of untrained dictionaries too: the pursuit explains more with any atoms.",
    null=Replaced("orthogonal_pursuit", by="topk"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    planted = lab.planted(seed, d=64, sequences=25, time=800, longest=1)
    errors = {}
    for recipe in ("orthogonal_pursuit", "gradient_pursuit", "mp_sae"):
        sae = dictionary(recipe, d_in=planted.d, width=_WIDTH, k=_K, seed=seed)
        lab.train(sae, planted.train, rows=_ROWS, seed=seed)
        errors[f"FVU of {recipe}"] = lab.fvu(sae, planted.held_out)
    return errors
