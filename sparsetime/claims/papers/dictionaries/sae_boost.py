"""SAE Boost: a second dictionary for a new domain; FVU there and elsewhere."""

from tempfile import TemporaryDirectory

import torch
from jaxtyping import Bool
from torch import Tensor

import sparsetime as st
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.activations.store.store import Store
from sparsetime.claims.claim import UNTRAINED, AtMost, Lab, Less, claim
from sparsetime.metrics.ce_increase import ce_increase

SITE, DOMAIN, LENGTH = "model.layers.1", "in_docstring", 64
ROWS, WIDTH, K = 60_000, 512, 16
MORE_ROWS, MORE_WIDTH, MORE_K = 30_000, 128, 4


@claim(
    "sae_boost",
    system=150,
    says="A second dictionary on the first one's residual in a new domain lowers FVU there by more "
    "than a tenth, and the increase in cross-entropy, while FVU elsewhere grows by at most 1%.",
    data="the code model, layer 1 of 4: the new domain is the English of docstrings; "
    "held-out documents",
    expects=[
        AtMost("FVU in the domain, boosted", than="FVU in the domain", times=0.9),
        Less("CE increase in the domain, boosted", than="CE increase in the domain"),
        AtMost("FVU elsewhere, boosted", than="FVU elsewhere", times=1.01),
    ],
    seconds=60,
    notes="Cross-entropy is of windows that consist of docstrings for the larger part.",
    null=UNTRAINED,
    rule="Adding the residual SAE raises domain explained variance and lowers spliced cross-"
    "entropy, while general-text values change by under 1%.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """CE increase: nats a token."""
    code = lab.code(SITE)
    inside, held_inside = _inside(code.train_store), _inside(code.held_out_store)
    assert code.bed.model is not None
    tokens = token_windows(code.held_out_store, LENGTH)
    tokens = tokens[token_windows(code.held_out_store, LENGTH, DOMAIN).float().mean(1) > 0.5]
    first = st.dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
    lab.train(first, code.train[~inside], rows=ROWS, seed=seed)
    with TemporaryDirectory() as folder:
        first.save(folder)
        second = st.dictionary(
            "sae_boost", d_in=code.d, width=MORE_WIDTH, k=MORE_K, first=folder, seed=seed
        )
    lab.train(second, code.train[inside], rows=MORE_ROWS, seed=seed)
    values = {}
    for name, sae in (("", first), (", boosted", second)):
        values[f"FVU in the domain{name}"] = lab.fvu(sae, code.held_out[held_inside])
        values[f"FVU elsewhere{name}"] = lab.fvu(sae, code.held_out[~held_inside])
        values[f"CE increase in the domain{name}"] = ce_increase(
            code.bed.model.model, sae, tokens, SITE
        ).value
    return values


def _inside(store: Store) -> Bool[Tensor, " rows"]:
    return torch.tensor(store.steps([DOMAIN])[DOMAIN].to_numpy()).bool()
