"""HierarchicalTopK at several k against TopK dictionaries trained for each: FVU."""

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.sparsifiers import TopK

_ROWS, _WIDTH, _MOST = 30_000, 512, 32
_LESS = (8, 16)


@claim(
    "hierarchical_topk",
    system=141,
    says="At every k the FVU of one HierarchicalTopK dictionary is at most 5% above that of a TopK "
    "trained for that k, and below that of a TopK trained for the largest k.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        AtMost("FVU at 8", than="FVU at 8, TopK for 8", times=1.05),
        AtMost("FVU at 16", than="FVU at 16, TopK for 16", times=1.05),
        AtMost("FVU at 32", than="FVU at 32, TopK for 32", times=1.05),
        Less("FVU at 8", than="FVU at 8, TopK for 32"),
        Less("FVU at 16", than="FVU at 16, TopK for 32"),
    ],
    seconds=90,
    null=UNTRAINED,
    rule="At each k, one HierarchicalTopK SAE stays within tolerance of a TopK trained for "
    "that k, and beats a TopK trained for another.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()

    def made(name: str, k: int) -> st.Dictionary:
        sae = st.dictionary(name, d_in=data.d, width=_WIDTH, k=k, seed=seed)
        return lab.train(sae, data.train, rows=_ROWS, seed=seed)

    def at(sae: st.Dictionary, k: int) -> float:
        sae.sparsifier = TopK(k)
        return lab.fvu(sae, data.held_out)

    hierarchical, largest = made("hierarchical_topk", _MOST), made("topk", _MOST)
    values = {f"FVU at {k}": at(hierarchical, k) for k in (*_LESS, _MOST)}
    values |= {f"FVU at {k}, TopK for {_MOST}": at(largest, k) for k in (*_LESS, _MOST)}
    return values | {f"FVU at {k}, TopK for {k}": at(made("topk", k), k) for k in _LESS}
