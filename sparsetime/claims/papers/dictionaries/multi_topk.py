"""Multi-TopK against TopK: FVU at a larger k than in training."""

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.sparsifiers import TopK

_ROWS, _WIDTH, _K = 30_000, 512, 8


@claim(
    "multi_topk",
    system=135,
    says="At four times its k Multi-TopK has a lower FVU than TopK, and at k at most 5% more than "
    "TopK.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        Less("FVU at 4k", than="FVU at 4k, TopK"),
        AtMost("FVU at k", than="FVU at k, TopK", times=1.05),
    ],
    seconds=60,
    null=UNTRAINED,
    rule="TopK has lower error than ReLU-L1 at equal L0, AuxK cuts dead latents, and loss "
    "against width fits a power law.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()
    values = {}
    for name, label in (("multi_topk", ""), ("topk", ", TopK")):
        sae = st.dictionary(name, d_in=data.d, width=_WIDTH, k=_K, seed=seed)
        lab.train(sae, data.train, rows=_ROWS, seed=seed)
        for k, at in ((_K, "k"), (4 * _K, "4k")):
            sae.sparsifier = TopK(k)
            values[f"FVU at {at}{label}"] = lab.fvu(sae, data.held_out)
    return values
