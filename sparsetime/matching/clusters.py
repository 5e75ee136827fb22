"""Clusters of dictionary atoms by cosine."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

THRESHOLD = 0.5


@torch.no_grad()
def atom_clusters(
    atoms: Float[Tensor, "width d"], threshold: float = THRESHOLD, least: int = 2
) -> list[list[int]]:
    """Groups of atoms that chains of cosines of at least the threshold connect, the largest first.

        i ~ j  where |cos(a_i, a_j)| >= threshold;   clusters are the connected components

    least: atoms of a cluster that is returned. Engels et al. 2024, "Not All Language Model Features
    Are Linear", where the graph keeps the nearest neighbours of each atom.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    unit = torch.nn.functional.normalize(atoms.detach().float().cpu(), dim=1)
    near = ((unit @ unit.T).abs() >= threshold).numpy()
    _, cluster = connected_components(csr_matrix(near), directed=False)
    groups: dict[int, list[int]] = {}
    for atom, number in enumerate(cluster.tolist()):
        groups.setdefault(number, []).append(atom)
    kept = [group for group in groups.values() if len(group) >= least]
    return sorted(kept, key=lambda group: (-len(group), group[0]))
