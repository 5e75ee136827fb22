"""Matryoshka against BatchTopK: absorption, and FVU of a prefix alone."""

import torch

from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, Within, claim
from sparsetime.claims.lab.planted_features import PlantedFeatures
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary

# k is at most the number of active features: only then does one latent for a child and its parent
# save anything.
PLANTED_WIDTH, PLANTED_K, PLANTED_ROWS = 100, 3, 60_000
FAMILIES = {
    **{"d": 64, "width": PLANTED_WIDTH, "active": 5.0, "zipf": 0.3, "longest": 20.0},
    **{"families": 20, "children": 4, "child_share": 0.3},
    **{"pairs": 0, "bidirectional": 0, "circles": 0, "state_features": 0},
}
WIDTH, K, ROWS = 1024, 32, 80_000
PREFIX = WIDTH // 4


@claim(
    "matryoshka_batch_topk",
    system=194,
    says="Where features form hierarchies, latents of parents are silent beside their children "
    "less often than in BatchTopK at equal L0; the FVU of the first quarter of the latents is at "
    "most 25% above that of a BatchTopK of that size.",
    data="planted hierarchies; MiniLM layer 3, held-out documents, for the prefix",
    expects=[
        Less("absorption in Matryoshka", than="absorption in BatchTopK"),
        Within("planted L0 of Matryoshka", of="planted L0 of BatchTopK", tolerance=0.1),
        AtMost("FVU of the prefix alone", than="FVU of a BatchTopK of its size", times=1.25),
    ],
    seconds=80,
    null=UNTRAINED,
    rule="On hierarchical data, absorption falls below plain SAE at matched L0, and every "
    "prefix reconstructs by itself with modest loss.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The BatchTopK beside the prefix has the k that the prefix uses on tuning documents."""
    data = lab.planted(seed, **FAMILIES)
    nested, flat = (
        lab.train(
            dictionary(recipe, d_in=data.d, width=PLANTED_WIDTH, k=PLANTED_K, seed=seed),
            data.train, rows=PLANTED_ROWS, seed=seed,
        )
        for recipe in ("matryoshka_batch_topk", "batch_topk")
    )  # fmt: skip
    real = lab.real()
    sae = lab.train(
        dictionary("matryoshka_batch_topk", d_in=real.d, width=WIDTH, k=K, seed=seed),
        real.train, rows=ROWS, seed=seed,
    )  # fmt: skip
    used = _first(sae.encode(real.tuning)).indices.numel() / len(real.tuning)
    alone = lab.train(
        dictionary("batch_topk", d_in=real.d, width=PREFIX, k=max(1, round(used)), seed=seed),
        real.train, rows=ROWS, seed=seed,
    )  # fmt: skip
    with torch.no_grad():
        prefixes = (_first(sae.encode(x)) for x in real.held_out.split(4096))
        guess = torch.cat([sae.decode(code) for code in prefixes])
    spread = (real.held_out - real.held_out.mean(0)).square().sum()
    return {
        "absorption in Matryoshka": absorption(nested, data),
        "absorption in BatchTopK": absorption(flat, data),
        "planted L0 of Matryoshka": lab.l0(nested, data.held_out),
        "planted L0 of BatchTopK": lab.l0(flat, data.held_out),
        "FVU of the prefix alone": float((real.held_out - guess).square().sum() / spread),
        "FVU of a BatchTopK of its size": lab.fvu(alone, real.held_out),
        "latents that the prefix uses": used,
    }


def absorption(sae: Dictionary, data: PlantedFeatures) -> float:
    """Share of steps with parent and child present on which the parent's latent is silent.

    The parent's latent has the atom nearest to the parent's. Below a tenth of its mean activation
    it counts as silent, so that noise just above a threshold is not counted as activity.
    """
    code = sae.encode(data.held_out).dense()
    floor = 0.1 * code.sum(0) / (code > 0).sum(0).clamp_min(1)
    true = data.held_out_code.dense() != 0
    features = data.truth.features.to_pylist()
    silent = both = 0
    for feature in features:
        if feature["kind"] != "child":
            continue
        parent = feature["parent"]
        latent = int((sae.atoms.detach() @ data.atoms[parent]).argmax())
        both_present = true[:, parent] & true[:, feature["latent"]]
        both += int(both_present.sum())
        silent += int((both_present & (code[:, latent] <= floor[latent])).sum())
    return silent / max(both, 1)


def _first(code: SparseCode) -> SparseCode:
    return code.keep(code.indices < PREFIX)
