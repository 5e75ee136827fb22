"""End-to-end training against TopK on squared error: increase in cross-entropy."""

from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.activations.sources.model_loss import downstream_batches
from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.claims.lab.ce_increase_by_recipe import ce_increase_by_recipe

SITE, LENGTH, AT_ONCE = "model.layers.1", 64, 8
WIDTH, K, ROWS = 512, 16, 40_960


@claim(
    "end_to_end",
    says="At equal L0, a dictionary trained on the model's predictions increases cross-entropy "
    "less than TopK, which is trained on squared error.",
    data="the code model, layer 1 of 4; held-out documents",
    expects=[Less("CE increase, end to end", than="CE increase, TopK")],
    notes="Both see the same rows in the same order, whole segments of text. The L0 "
    "at equal cross-entropy, which the paper reports too, is left out.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """CE increase: nats a token."""
    code = lab.code(SITE)
    assert code.bed.model is not None
    model, windows = code.bed.model.model, token_windows(code.train_store, LENGTH)
    return ce_increase_by_recipe(
        lab,
        SITE,
        lambda: downstream_batches(model, windows, SITE, sequences=AT_ONCE, seed=seed),
        {"end_to_end": "end to end", "topk": "TopK"},
        length=LENGTH,
        width=WIDTH,
        k=K,
        seed=seed,
        rows=ROWS,
        batch=AT_ONCE * LENGTH,
    )
