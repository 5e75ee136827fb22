"""A second dictionary for a new domain lowers its error and leaves the old domain alone."""

from tempfile import TemporaryDirectory

import sparsetime as st
from sparsetime.evaluation.claims.claim import AtMost, Lab, claim

_ROWS, _WIDTH, _K = 30_000, 512, 16
_MORE_WIDTH, _MORE_K = 128, 4
_FEATURES = {"d": 64, "width": 256, "sequences": 20, "time": 2000}


@claim(
    "sae_boost",
    system=150,
    says="A second dictionary on the first one's residual in a domain lowers the error there by "
    "more than a tenth, while the error of other data changes by at most 1%.",
    data="planted features in two mixtures that share no atoms",
    expects=[
        AtMost("FVU in the domain, boosted", than="FVU in the domain", times=0.9),
        AtMost("FVU elsewhere, boosted", than="FVU elsewhere", times=1.01),
    ],
    seconds=60,
    notes="Likely why it fails: the second dictionary never sees other data, "
    "so that its latents fire there too. Cross-entropy of a spliced model is left out.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    general, domain = lab.planted(2 * seed, **_FEATURES), lab.planted(2 * seed + 1, **_FEATURES)
    first = st.dictionary("topk", d_in=general.d, width=_WIDTH, k=_K, seed=seed)
    lab.train(first, general.train, rows=_ROWS, seed=seed)
    with TemporaryDirectory() as folder:
        first.save(folder)
        second = st.dictionary(
            "sae_boost", d_in=general.d, width=_MORE_WIDTH, k=_MORE_K, first=folder, seed=seed
        )
    lab.train(second, domain.train, rows=_ROWS, seed=seed)
    return {
        "FVU in the domain": lab.fvu(first, domain.held_out),
        "FVU in the domain, boosted": lab.fvu(second, domain.held_out),
        "FVU elsewhere": lab.fvu(first, general.held_out),
        "FVU elsewhere, boosted": lab.fvu(second, general.held_out),
    }
