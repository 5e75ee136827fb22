"""SAE concept sharedness: how far features of encoders are those of others, and of which."""

import numpy as np

from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.common_texts import common_store
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.matching.match import match
from sparsetime.matching.matches import FeatureMatches

CHARACTERS = 60_000
WIDTH, K, ROWS = 256, 12, 15_000
PAIRS = (("english", "python"), ("prose", "english"), ("prose", "python"))


@claim(
    "shared_concepts",
    system=170,
    says="Features of text encoders are shared more with other trained encoders than with an "
    "untrained one, in the mean and feature by feature.",
    data="SmolLM2 layer 10, MiniLM layer 3 and the Python-source model layer 1 on the same English "
    "documentation; untrained copies of the last two",
    expects=[
        *(
            Less(f"{a} with untrained {b}", than=f"{a} with {b}")
            for a, b in PAIRS
            if b != "english"
        ),
        Less("prose with untrained python", than="prose with english"),
        Less("null of english with python", than="english with python"),
        Less("share of features nearer to the untrained", than=0.5),
    ],
    seconds=60,
    rule="For SAEs on several small encoders, similarity and per-feature sharedness are computed; "
    "same-family encoders score above an untrained control.",
    notes="A proxy: all three encoders are of text, since no vision or multimodal encoder with "
    "real weights is here, so the family is that of text. Similarity: mean over features of the "
    "largest correlation with a feature of the other encoder over the same steps. The untrained "
    "encoder's dictionary is trained alike.",
    null=lambda lab, seed: _values(lab, seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of every encoder; matches by codes."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which untrained encoders are in the trained ones' place."""
    trained: dict[str, Dictionary] = {}

    def dictionary_of(name: str) -> Dictionary:
        if name not in trained:
            store = common_store(name, CHARACTERS)
            sae = dictionary("topk", d_in=store.d, width=WIDTH, k=K, seed=seed)
            trained[name] = lab.train(sae, store, rows=ROWS, seed=seed)
        return trained[name]

    def of(name: str) -> tuple[Dictionary, Store]:
        used = f"untrained {name}" if untrained and name != "english" else name
        return dictionary_of(used), common_store(used, CHARACTERS)

    values: dict[str, float] = {}
    kin, control = [], []
    for a, b in PAIRS:
        (left, own), (right, other) = of(a), of(b)
        found = match(left, right, "codes", store=(own, other), draws=1, seed=seed)
        values[f"{a} with {b}"] = _similarity(found)
        values[f"null of {a} with {b}"] = float(found.null.mean())
        if b == "english":
            continue
        raw = f"untrained {b}"
        pair = own, common_store(raw, CHARACTERS)
        nothing = match(left, dictionary_of(raw), "codes", store=pair, draws=1, seed=seed)
        values[f"{a} with untrained {b}"] = _similarity(nothing)
        kin.append(found.similarity)
        control.append(nothing.similarity)
    nearer = np.concatenate(control) > np.concatenate(kin)
    values["share of features nearer to the untrained"] = float(nearer.mean())
    return values


def _similarity(found: FeatureMatches) -> float:
    return float(found.similarity.mean())
