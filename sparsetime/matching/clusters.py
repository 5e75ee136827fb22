"""Clusters of dictionary atoms by cosine, and what a cluster reconstructs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

THRESHOLD = 0.5
_LEAST = 0.5


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


@torch.no_grad()
def cluster_points(
    code: Float[Tensor, "rows width"],
    atoms: Float[Tensor, "width d"],
    cluster: Sequence[int],
    least: float = _LEAST,
) -> tuple[Float[np.ndarray, "points d"], Bool[np.ndarray, " rows"]]:
    """What a cluster of atoms reconstructs on the rows where it is active, and which these are.

        p = sum over i in the cluster of code_i a_i,   where |p| > least · q

    q: the 0.9 quantile of norms that are above 0. `least` leaves out rows on which TopK only fills
    its number of latents. code: activation values, dense. No points where the cluster is silent.

    Source: Engels et al. 2024, Not All Language Model Features Are Linear, section 4; `least` is
    ours.
    """
    chosen = list(cluster)
    points = (code[:, chosen].float() @ atoms[chosen].float()).cpu()
    norms = points.norm(dim=1)
    if not bool((norms > 0).any()):
        return points[:0].numpy(), np.zeros(len(points), dtype=bool)
    active = norms > least * norms[norms > 0].quantile(0.9)
    return points[active].numpy(), active.numpy()
