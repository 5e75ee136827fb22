"""top-AFA: number of active latents from the norm of the activation."""

import torch

import sparsetime as st
from sparsetime.claims.claim import UNTRAINED, AtLeast, AtMost, Lab, claim

_ROWS, _WIDTH = 30_000, 512


@claim(
    "top_afa",
    system=15,
    says="Without a k, L0 varies between rows, norms of codes correlate with norms of activations, "
    "and FVU is at most a tenth above TopK's at the same mean L0.",
    data="MiniLM layer 3, held-out documents",
    expects=[
        AtLeast("deviation of L0 over its mean", than=0.1),
        AtLeast("correlation of lengths", than=0.5),
        AtMost("FVU of top-AFA", than="FVU of TopK", times=1.1),
    ],
    seconds=80,
    null=UNTRAINED,
    rule="top-AFA trains without k: per-token L0 varies, code norms track input norms, and "
    "reconstruction is comparable to TopK at matched mean L0.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    data = lab.real()
    sae = st.dictionary("top_afa", d_in=data.d, width=_WIDTH, seed=seed)
    lab.train(sae, data.train, rows=_ROWS, seed=seed)
    x = data.held_out
    code = sae.encode(x)
    l0 = code.counts.float()
    squares = torch.zeros(len(x)).index_add_(0, code.row_of_entry, code.values.square())
    lengths = sae.centred(sae.normalisation.normalise(x)).norm(dim=1).detach()
    k = round(lab.l0(sae, data.tuning))
    topk = st.dictionary("topk", d_in=data.d, width=_WIDTH, k=k, seed=seed)
    lab.train(topk, data.train, rows=_ROWS, seed=seed)
    return {
        "L0 of top-AFA": float(l0.mean()),
        "deviation of L0 over its mean": float(l0.std() / l0.mean()),
        "correlation of lengths": float(
            torch.corrcoef(torch.stack([squares.sqrt(), lengths]))[0, 1]
        ),
        "FVU of top-AFA": lab.fvu(sae, x),
        "FVU of TopK": lab.fvu(topk, x),
    }
