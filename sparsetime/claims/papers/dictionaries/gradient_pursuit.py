"""Gradient pursuit against matching pursuit and against the encoder of TopK: FVU."""

from sparsetime.claims.claim import AtMost, Lab, Less, Replaced, claim
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

_K, _WIDTH, _ROWS = 8, 128, 20_000
_REAL_K, _REAL_WIDTH, _REAL_ROWS, _MEASURED = 16, 512, 20_000, 4096


@claim(
    "gradient_pursuit",
    says="Trained alike, gradient pursuit has no higher FVU than matching pursuit at equal k; on "
    "the atoms of a trained TopK it has a lower one than TopK's own encoder.",
    data="planted features (synthetic testbed), held-out sequences; MiniLM layer 3, held-out "
    "documents",
    expects=[
        AtMost("FVU of gradient pursuit", than="FVU of matching pursuit"),
        Less("FVU of gradient pursuit on TopK's atoms", than="FVU of TopK"),
        Less(
            "FVU of gradient pursuit on TopK's atoms",
            than="FVU of matching pursuit on TopK's atoms",
        ),
    ],
    seconds=60,
    notes="It holds of untrained dictionaries too: the pursuit explains more with any atoms.",
    null=Replaced("gradient_pursuit", by="topk"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    planted = lab.planted(seed, d=64, sequences=25, time=800, longest=1)
    errors = {}
    for name, recipe in (("gradient", "gradient_pursuit"), ("matching", "mp_sae")):
        sae = dictionary(recipe, d_in=planted.d, width=_WIDTH, k=_K, seed=seed)
        lab.train(sae, planted.train, rows=_ROWS, seed=seed)
        errors[f"FVU of {name} pursuit"] = lab.fvu(sae, planted.held_out)
    real = lab.real()
    topk = dictionary("topk", d_in=real.d, width=_REAL_WIDTH, k=_REAL_K, seed=seed)
    lab.train(topk, real.train, rows=_REAL_ROWS, seed=seed)
    measured = real.held_out[:_MEASURED]
    return {
        **errors,
        "FVU of TopK": lab.fvu(topk, measured),
        "FVU of gradient pursuit on TopK's atoms": lab.fvu(
            with_pursuit("gradient_pursuit", topk), measured
        ),
        "FVU of matching pursuit on TopK's atoms": lab.fvu(with_pursuit("mp_sae", topk), measured),
    }


def with_pursuit(recipe: str, trained: Dictionary) -> Dictionary:
    """Dictionary with the same atoms, offset, scale and k, and the encoder of a pursuit."""
    sae = dictionary(recipe, d_in=trained.d_in, width=trained.width, k=_REAL_K)
    sae.decoder.load_state_dict(trained.decoder.state_dict())
    sae.normalisation.load_state_dict(trained.normalisation.state_dict())
    return sae
