"""Universal feature spaces: geometry of the features that two language models share."""

import numpy as np

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.common_texts import common_store
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.matching.geometry import svcca
from sparsetime.matching.match import match

CHARACTERS = 60_000
WIDTH, K, ROWS = 512, 16, 30_000
KEPT, PERMUTATIONS, LEAST = 0.1, 100, 0.2


@claim(
    "universal_features",
    system=200,
    says="Decoder rows of features that two language models share have similar geometry: their "
    "SVCCA is above that of every one of 100 random pairings of the same rows.",
    data="SmolLM2 layer 10 of 30 and the Python-source model layer 1 of 4, on the same English "
    "documentation",
    expects=[
        Less("largest SVCCA of random pairings", than="SVCCA of matched features"),
        AtMost("p", than=0.01),
        AtLeast("matched pairs", than=50),
    ],
    seconds=85,
    rule="Matched features from two small LMs score SVCCA well above random pairings, with a "
    "permutation p-value.",
    notes="Features are matched by the correlation of their activations over the same steps, as "
    "each other's nearest and above 0.2; their rows are compared along the leading directions "
    "with a tenth of the variance, since more directions than a fraction of the pairs correlate "
    "by chance. The two models share neither weights, tokenizer nor most of their training text.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of each model."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the pairs themselves are exchanged."""
    stores = [common_store(name, CHARACTERS) for name in ("english", "python")]
    saes = []
    for store in stores:
        sae = dictionary("topk", d_in=store.d, width=WIDTH, k=K, seed=seed)
        saes.append(lab.train(sae, store, rows=ROWS, seed=seed))
    found = match(saes[0], saes[1], "codes", store=(stores[0], stores[1]), draws=1, seed=seed)
    pairs = found.mutual & (found.similarity > LEAST)
    left = saes[0].atoms.detach().numpy()[found.left[pairs]]
    right = saes[1].atoms.detach().numpy()[found.to_right[pairs]]
    rng = seeds.numpy_generator(seed, "random choice")
    if permuted:
        right = rng.permutation(right)
    matched = svcca(left, right, KEPT)
    random = np.array([svcca(left, rng.permutation(right), KEPT) for _ in range(PERMUTATIONS)])
    return {
        "SVCCA of matched features": matched,
        "SVCCA of random pairings": float(random.mean()),
        "largest SVCCA of random pairings": float(random.max()),
        "p": (1 + int((random >= matched).sum())) / (1 + PERMUTATIONS),
        "matched pairs": float(pairs.sum()),
        "correlation of the pairs": float(found.similarity[pairs].mean()),
    }
