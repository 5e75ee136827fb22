"""Crosscoder: recovery of shared features and of features of one site."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import UNTRAINED, AtLeast, Lab, claim
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds.atom_recovery import FOUND_ABOVE, recovery

D, FEATURES, SHARED = 64, 100, 50
WIDTH, ROWS, L1, NOISE = 128, 120_000, 0.05, 0.02
PLANTED = {
    **{"d": D, "width": FEATURES, "active": 4.0, "zipf": 0.3, "longest": 20.0, "noise": 0.0},
    **{"families": 0, "pairs": 0, "bidirectional": 0, "circles": 0, "state_features": 0},
}


@claim(
    "crosscoder",
    says="Nearly all planted features are recovered, each as one latent, and the norms of its atom "
    "in the two sites show whether a feature is shared or of which site it is.",
    data="planted features; half have directions in both sites, a quarter in each one alone",
    expects=[
        AtLeast("share of features found", than=0.8),
        AtLeast("share at the right site, of those found", than=0.9),
    ],
    seconds=60,
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Directions in the two sites are independent. Right site: the same third of the angle."""
    data = lab.planted(seed, **PLANTED)
    generator = seeds.torch_generator(seed, "planted atoms")
    true = torch.nn.functional.normalize(torch.randn(FEATURES, 2, D, generator=generator), dim=2)
    true[SHARED::2, 0] = 0
    true[SHARED + 1 :: 2, 1] = 0
    atoms = true.flatten(1)
    sums = [code.dense() @ atoms for code in (data.train_code, data.held_out_code)]
    generator = seeds.torch_generator(seed, "planted noise")
    train, held_out = (x + NOISE * torch.randn(x.shape, generator=generator) for x in sums)
    sae = dictionary("crosscoder", d_in=2 * D, width=WIDTH, l1=L1, seed=seed)
    lab.train(sae, train, rows=ROWS, seed=seed)
    learnt = sae.atoms.detach()
    match = recovery(learnt, atoms)
    recovered = match.cosine > FOUND_ABOVE
    right_site = _site(learnt[match.matched]) == _site(atoms)
    return {
        "share of features found": match.share_recovered,
        "share at the right site, of those found": (
            float(right_site[recovered].float().mean()) if recovered.any() else 0.0
        ),
        "FVU": lab.fvu(sae, held_out),
        "L0": lab.l0(sae, held_out),
    }


def _site(atoms: Float[Tensor, "atoms d_both"]) -> Int[Tensor, " atoms"]:
    """0 for the first site alone, 1 for both, 2 for the second: the angle of the two lengths."""
    first, second = atoms.unflatten(1, (2, -1)).norm(dim=2).unbind(1)
    angle = torch.atan2(second, first) / (torch.pi / 2)
    return (3 * angle).long().clamp_max(2)
