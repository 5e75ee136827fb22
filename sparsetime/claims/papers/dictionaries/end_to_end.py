"""End-to-end: the model's loss rises less than with a dictionary trained on squared error."""

from sparsetime.activations.sources.model_loss import downstream_batches
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.ce_increase_by_recipe import ce_increase_by_recipe
from sparsetime.metrics.ce_increase import token_windows

SITE, LENGTH, AT_ONCE = "model.layers.1", 64, 8
WIDTH, K, ROWS = 512, 16, 40_960


@claim(
    "end_to_end",
    says="At equal L0, a dictionary that was trained on the model's predictions raises its "
    "next-token loss less than TopK, which was trained on squared error.",
    data="the code model, layer 1 of 4; held-out documents",
    expects=[Less("rise of loss, end to end", than="rise of loss, TopK")],
    notes="Both see the same rows in the same order, whole segments of text. How many latents an "
    "explained loss takes, which the paper counts too, is left out.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A rise in nats a token."""
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
