"""Synthetic testbed: recovery of slow features, and absorption of parents, by recipe."""

import numpy as np
import torch
from torch.nn.functional import normalize as unit

from sparsetime.claims.claim import UNTRAINED, AtLeast, Lab, Less, claim
from sparsetime.claims.lab.planted_features import PlantedFeatures
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE

WIDTH, K, ROWS = 128, 6, 60_000
RECIPES = ("batch_topk", "matryoshka_batch_topk", "temporal_matryoshka", "slow_fast")
SLOW = 32  # steps of true mean dwell above which a feature is slow
DWELLS = {"slow families": 200.0, "fast families": 1.0}  # the shortest mean dwell planted


@claim(
    "orchestra_slow",
    says="A temporal loss recovers planted slow features that BatchTopK misses, and a parent is "
    "absorbed by its children less where features persist.",
    data="planted families in 48 dimensions whose dwell is 1 to 500 steps, and two more in which "
    "all features are slow, or all fast",
    expects=[
        AtLeast("slow found, temporal_matryoshka", than="slow found, batch_topk"),
        AtLeast("slow found, slow_fast", than="slow found, batch_topk"),
        Less("parent in child, matryoshka_batch_topk", than="parent in child, batch_topk"),
        Less("parent in child, slow families", than="parent in child, fast families"),
    ],
    seconds=30,
    notes="A hypothesis of this project, from no paper. Parent in child: the cosine of the atom "
    "nearest to a child with the parent, mean over children. Found: a cosine above 0.9. L0 is "
    "nearly equal and FVU is not: nested and temporal losses raise FVU, and in so short a training "
    "they cost atoms too.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    values = {}
    data = _planted(lab, seed, shortest=1.0)
    dwell = data.truth.features["dwell"].to_numpy()
    for name in RECIPES:
        sae = _trained(lab, name, data, seed)
        recovered = data.recovery(sae.atoms.detach()).cosine.numpy() > FOUND_ABOVE
        values[f"slow found, {name}"] = float(recovered[dwell >= SLOW].mean())
        values[f"fast found, {name}"] = float(recovered[dwell < SLOW].mean())
        values[f"parent in child, {name}"] = _absorbed(sae, data)
        values[f"FVU, {name}"] = lab.fvu(sae, data.held_out)
        values[f"L0, {name}"] = lab.l0(sae, data.held_out)
    for name, shortest in DWELLS.items():
        longest = shortest * 2.5
        variant = _planted(lab, seed, shortest=shortest, longest=longest)
        values[f"parent in child, {name}"] = _absorbed(
            _trained(lab, "batch_topk", variant, seed), variant
        )
    return values


def _planted(lab: Lab, seed: int, shortest: float, longest: float = 500.0) -> PlantedFeatures:
    """Many families and no other kinds of features, so that their parents are recovered."""
    kinds = {"families": 12, "children": 2, "pairs": 0, "bidirectional": 0, "circles": 0}
    size = {"d": 48, "width": 64, "active": 4.0, "state_features": 0, "zipf": 0.5}
    return lab.planted(seed, **kinds, **size, shortest=shortest, longest=longest)


def _trained(lab: Lab, name: str, data: PlantedFeatures, seed: int) -> Dictionary:
    sae = dictionary(name, d_in=data.d, width=WIDTH, k=K, seed=seed)
    first = len(data.held_out_sequences)
    return lab.train(sae, data.truth.activations[first:], rows=ROWS, seed=seed)


def _absorbed(sae: Dictionary, data: PlantedFeatures) -> float:
    """Mean over children of the cosine of the parent with the atom nearest to the child."""
    atoms, parents = unit(sae.atoms.detach()), data.truth.features["parent"].to_numpy()
    children = torch.from_numpy(np.flatnonzero(parents >= 0))
    nearest = (data.atoms[children] @ atoms.T).argmax(dim=1)
    return float((atoms[nearest] * data.atoms[parents[children]]).sum(dim=1).mean())
