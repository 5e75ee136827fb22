"""MSAE: curve of FVU against L0 of one dictionary, against TopK and ReLU dictionaries."""

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.dictionaries.sparsifiers import TopK

_ROWS, _WIDTH, _MOST = 30_000, 512, 64
_LEVELS = (8, 16, 32)
_L1 = 0.1


@claim(
    "msae",
    system=198,
    says="The curve of FVU against L0 of one MSAE lies nowhere above that of TopK dictionaries "
    "trained for each L0, and below a ReLU dictionary at its L0.",
    data="MiniLM layer 3 in place of CLIP's embeddings, held-out documents",
    expects=[
        *[AtMost(f"FVU at {k}", than=f"FVU at {k}, TopK for {k}") for k in _LEVELS],
        Less("FVU at the ReLU's L0", than="FVU of ReLU with L1"),
    ],
    seconds=90,
    null=UNTRAINED,
    rule="A single MSAE's error-versus-L0 curve on stored embeddings lies below or equal to "
    "separately trained TopK and ReLU SAEs.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()

    def made(name: str, **settings: float) -> st.Dictionary:
        sae = st.dictionary(name, d_in=data.d, width=_WIDTH, seed=seed, **settings)
        return lab.train(sae, data.train, rows=_ROWS, seed=seed)

    def at(k: int) -> float:
        nested.sparsifier = TopK(k)
        return lab.fvu(nested, data.held_out)

    nested, relu = made("msae", k=_MOST), made("relu_l1", l1=_L1)
    l0 = lab.l0(relu, data.held_out)
    values = {f"FVU at {k}": at(k) for k in _LEVELS}
    values |= {
        f"FVU at {k}, TopK for {k}": lab.fvu(made("topk", k=k), data.held_out) for k in _LEVELS
    }
    return {
        **values,
        "L0 of ReLU with L1": l0,
        "FVU of ReLU with L1": lab.fvu(relu, data.held_out),
        "FVU at the ReLU's L0": at(max(1, int(lab.l0(relu, data.tuning)))),
    }
