"""A world of SynthSAEBench that sparsetime made, sampled by SAELens. Runs in its environment.

    python sae_lens_world.py WORLD.safetensors ROWS SEED OUT.safetensors

WORLD holds vectors and bias, `drawn` (probabilities of a draw), factors (with unit total variance),
mean and spread of values, and parent (-1 for none). OUT gets, of ROWS rows, how often each feature
and each pair is active, and sums of values and squared values.
"""

from __future__ import annotations

import sys

import torch
from safetensors.torch import load_file, save_file

_CHUNK = 4096


@torch.no_grad()
def main(world: str, rows: int, seed: int, out: str) -> None:
    from sae_lens.synthetic import ActivationGenerator, HierarchyNode, hierarchy_modifier

    given = load_file(world)
    parent = given["parent"].tolist()
    children: dict[int, list[int]] = {}
    for child, of in enumerate(parent):
        if of >= 0:
            children.setdefault(of, []).append(child)

    def node(feature: int) -> HierarchyNode:
        below = children.get(feature, [])
        made = HierarchyNode(
            feature_index=feature,
            children=[node(child) for child in below],
            mutually_exclusive_children=len(below) > 1,
        )
        made.scale_children_by_parent = True
        return made

    roots = [feature for feature in children if parent[feature] < 0]
    own = 1 - given["factors"].square().sum(dim=1)
    generator = ActivationGenerator(
        num_features=len(parent),
        firing_probabilities=given["drawn"],
        std_firing_magnitudes=given["spread"],
        mean_firing_magnitudes=given["mean"],
        modify_activations=hierarchy_modifier([node(root) for root in roots]) if roots else None,
        correlation_matrix=(given["factors"], own),
    )
    torch.manual_seed(seed)
    pairs = torch.zeros(len(parent), len(parent), dtype=torch.float64)
    sums, squares = (torch.zeros(len(parent), dtype=torch.float64) for _ in range(2))
    for start in range(0, rows, _CHUNK):
        values = generator.sample(min(_CHUNK, rows - start))
        active = (values > 0).float()
        pairs += (active.T @ active).double()
        sums += values.double().sum(dim=0)
        squares += values.double().square().sum(dim=0)
    save_file({"pairs": pairs, "sums": sums, "squares": squares}, out)


if __name__ == "__main__":
    world, rows, seed, out = sys.argv[1:]
    main(world, int(rows), int(seed), out)
