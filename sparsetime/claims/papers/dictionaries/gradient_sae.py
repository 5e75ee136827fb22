"""g-SAE against TopK: increase in cross-entropy."""

from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.claims.lab.ce_increase_by_recipe import ce_increase_by_recipe
from sparsetime.claims.lab.gradients import training_gradients

SITE, LENGTH, WINDOWS = "model.layers.1", 128, 780
WIDTH, K, ROWS = 768, 16, 100_000


@claim(
    "gradient_sae",
    system=18,
    former=["g_sae"],
    says="At equal k, reconstructions by g-SAE increase the model's cross-entropy less than those "
    "by TopK.",
    data="the code model, layer 1 of 4; held-out documents",
    expects=[Less("CE increase, g-SAE", than="CE increase, TopK")],
    seconds=80,
    notes="At inference both keep the k largest activations, since no gradient is available there; "
    "only the training differs. Likely reason: the paper may select latents by gradients at "
    "inference as well. Weights of the gradient from 0.3 to 10 were tried on "
    "tuning seeds and documents.",
    null=UNTRAINED,
    rule="at equal k, splicing g-SAE reconstructions into the model raises next-token loss "
    "less than plain TopK does, even when MSE is not better.",
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """CE increase: nats a token; both dictionaries see the same rows in the same order."""
    data = training_gradients(lab.code(SITE), WINDOWS, LENGTH)
    recipes = {"gradient_sae": "g-SAE", "topk": "TopK"}
    return ce_increase_by_recipe(
        lab, SITE, lambda: data, recipes, length=LENGTH, width=WIDTH, k=K, seed=seed, rows=ROWS
    )
