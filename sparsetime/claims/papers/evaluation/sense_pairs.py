"""Polysemous words: pairs of occurrences of one token in the same and in different roles."""

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.sense_pairs import sense_pair_scores
from sparsetime.statistics.nulls import random_code

SITE = "model.layers.1"
WIDTH, K, ROWS = 768, 16, 60_000
LEAST, OF_EACH, WORDS = 12, 24, 40  # occurrences of a role; pairs of each kind; tokens


@claim(
    "sense_pairs",
    system=231,
    says="Strongest latents separate same-sense from different-sense pairs of one word better than "
    "those of a random dictionary: accuracy, precision and recall are higher.",
    data="a proxy: tokens of Python with several syntactic roles, in place of words with several "
    "senses; the Python-source model, layer 1 of 4, held-out documents",
    expects=[
        Less("accuracy of a random dictionary", than="accuracy"),
        Less("precision of a random dictionary", than="precision"),
        Less("recall of a random dictionary", than="recall"),
    ],
    seconds=60,
    rule="Same-sense and different-sense word pairs yield accuracy, precision and recall per SAE, "
    "above a random-feature control, reported beside MSE and L0.",
    notes="Roles are those of names: read, assigned, called, attribute, method, argument and "
    "others. Half of the pairs are of each kind, so that chance is one half.",
    null=lambda lab, seed: _values(lab, seed, permuted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """TopK, and random atoms of equal width and L0, on the same pairs."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, permuted: bool = False) -> dict[str, float]:
    """permuted: the null, in which the roles of each token's occurrences are permuted."""
    code = lab.code(SITE)
    sae = dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(sae, code.train, rows=ROWS, seed=seed)
    rows, pairs, same = _pairs(code.held_out_store, seed, permuted)
    x = torch.Tensor(code.held_out)[rows]
    values = {"pairs": float(len(pairs))}
    for suffix, codes in (
        ("", sae.encode(x)),
        (" of a random dictionary", random_code(x, WIDTH, K, seed)),
    ):
        scores = sense_pair_scores(codes, pairs, same, seed)
        for name in ("accuracy", "precision", "recall"):
            values[f"{name}{suffix}"] = getattr(scores, name).value
    values["FVU"] = lab.fvu(sae, code.held_out)
    values["L0"] = lab.l0(sae, code.held_out)
    return values


def _pairs(
    store: Store, seed: int, permuted: bool
) -> tuple[Int[Tensor, " some"], Int[Tensor, "pairs 2"], Bool[Tensor, " pairs"]]:
    """Rows of occurrences, pairs of their numbers, and whether a pair has one role."""
    steps = store.steps(["token", "role"])
    token = steps["token"].to_numpy()
    role = np.array(steps["role"].to_pylist(), dtype=object)
    rng = seeds.numpy_generator(seed, "random choice")
    found: list[tuple[int, int, bool]] = []
    words = 0
    named = np.array([one is not None for one in role])
    for word in rng.permutation(np.unique(token[named])):
        places = np.flatnonzero(named & (token == word))
        roles = role[places]
        names, counts = np.unique(roles.astype(str), return_counts=True)
        if (counts >= LEAST).sum() < 2 or words == WORDS:
            continue
        words += 1
        kept = np.isin(roles.astype(str), names[counts >= LEAST])
        places, roles = places[kept], roles[kept].astype(str)
        if permuted:
            roles = rng.permutation(roles)
        for is_same in (True, False):
            for _ in range(OF_EACH):
                one = int(rng.integers(len(places)))
                others = np.flatnonzero((roles == roles[one]) == is_same)
                others = others[others != one]
                found.append((places[one], places[int(rng.choice(others))], is_same))
    numbers, pairs = np.unique([pair[:2] for pair in found], return_inverse=True)
    same = torch.tensor([pair[2] for pair in found])
    return torch.from_numpy(numbers), torch.from_numpy(pairs.reshape(-1, 2)), same
