"""GBA: recovery of planted features across seeds, and firing rates of its groups."""

import torch

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, claim
from sparsetime.dictionaries.sparsifiers.firing_rate_bias import FiringRateBias

_ROWS, _WIDTH, _K, _GROUPS = 100_000, 256, 8, 2


@claim(
    "gba",
    system=47,
    says="On sparse mixtures of known atoms nearly all are recovered, two dictionaries of "
    "different seeds agree on their atoms, and each group's firing rate is near its target.",
    data="planted: 128 independent features in 64 dimensions, about 4 at a time",
    expects=[
        AtLeast("share recovered", than=0.9),
        AtLeast("share recovered by both", than=0.9),
        AtMost("largest error of a group's rate", than=0.2),
    ],
    seconds=80,
    null=UNTRAINED,
    rule="on synthetic sparse mixtures, GBA recovers nearly all true features consistently "
    "across seeds, and measured firing rates reach each group's target.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    planted = lab.planted(
        seed,
        d=64,
        width=128,
        active=4,
        zipf=0.5,
        families=0,
        pairs=0,
        bidirectional=0,
        circles=0,
        state_features=0,
        longest=1,
        flutter=0,
        noise=0.01,
    )
    pair = []
    for start in (2 * seed, 2 * seed + 1):
        sae = st.dictionary("gba", d_in=planted.d, width=_WIDTH, k=_K, groups=_GROUPS, seed=start)
        pair.append(lab.train(sae, planted.train, rows=_ROWS, seed=start))
    recovered = [planted.recovery(sae.atoms.detach()).cosine > 0.9 for sae in pair]
    first = pair[0]
    sparsifier = first.sparsifier
    assert isinstance(sparsifier, FiringRateBias), "that is its recipe"
    rates = lab.density(first, planted.held_out)
    groups = [rates[sparsifier.group == group].mean() for group in range(_GROUPS)]
    target = torch.tensor(sparsifier.frequencies)
    return {
        "share recovered": float(recovered[0].float().mean()),
        "share recovered by both": float((recovered[0] & recovered[1]).float().mean()),
        "largest error of a group's rate": float((torch.stack(groups) / target - 1).abs().max()),
    }
