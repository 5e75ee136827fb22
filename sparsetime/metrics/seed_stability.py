"""Seed stability: cosine of matched atoms of dictionaries that differ in their seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError, MismatchError
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.nulls import random_atoms
from sparsetime.testbeds.atom_recovery import recovery

SHARED_ABOVE = 0.7
_NULL = "two sets of random atoms, matched likewise"


@final
@dataclass(frozen=True, eq=False)
class SeedStability:
    """Stability of atoms over seeds.

    cosine: of matched atoms, mean over atoms and pairs of dictionaries. shared: the share of
    matches above 0.7. by_atom: [dictionaries, width], of every atom its cosine to its match, mean
    over the other dictionaries.
    """

    cosine: Estimate
    shared: Estimate
    by_atom: Float[np.ndarray, "dictionaries width"]


def seed_stability(atoms: Sequence[Float[Tensor, "width d"]], seed: int = 0) -> SeedStability:
    """Stability of dictionaries of equal size, with atoms matched one to one.

    cosine = mean over pairs of dictionaries and atoms of cos(atom, matched atom), from -1 to 1.

    Atoms of every pair of dictionaries are matched one to one by `testbeds.atom_recovery`, so that
    the sum of cosines is largest. Shared features as in Paulo and Belrose 2025, "Sparse
    autoencoders trained on the same data learn different features", whose threshold of 0.7 on
    matched cosines this is.

    The interval is over atoms, for these dictionaries; with few of them it does not cover further
    seeds. The null, random atoms, matters where d is small: random atoms then have close matches
    too. The metric is blind to features that one dictionary splits. Time grows with the cube of the
    width, some seconds for 2,000 atoms a pair.

    Errors: DataError for fewer than two dictionaries; MismatchError where sizes differ.
    """
    if len(atoms) < 2:
        raise DataError(f"got {len(atoms)} dictionary, expected at least two seeds to compare")
    shapes = {tuple(tensor.shape) for tensor in atoms}
    if len(shapes) > 1:
        raise MismatchError(
            f"the dictionaries have {len(shapes)} sizes, {sorted(shapes)} (width, d); stability "
            f"compares dictionaries that differ in their seed alone"
        )
    width, d = atoms[0].shape
    by_pair = np.zeros((len(atoms), len(atoms), width))
    for a, b in combinations(range(len(atoms)), 2):
        matches = recovery(atoms[b].cpu(), atoms[a].cpu())
        by_pair[a, b] = matches.cosine.numpy()
        by_pair[b, a, matches.matched.numpy()] = matches.cosine.numpy()
    random = recovery(*(random_atoms(width, d, seed, n) for n in range(2))).cosine.numpy()
    by_seed = by_pair.sum(axis=1) / (len(atoms) - 1)
    first, second = np.triu_indices(len(atoms), 1)
    # An atom of the first dictionary and its matches are drawn together.
    cosines = by_pair[first, second]
    many = np.full(width, float(len(cosines)))
    above = (cosines > SHARED_ABOVE).sum(axis=0).astype(float)
    chance = float((random > SHARED_ABOVE).mean())
    return SeedStability(
        estimate(ratio_of(cosines.sum(axis=0), many), width, float(random.mean()), _NULL, seed),
        estimate(ratio_of(above, many), width, chance, _NULL, seed),
        by_seed,
    )
