"""ZipVL: a number of tokens a layer from attention mass, against one number for all layers."""

import torch

from sparsetime.attention.budgets.layer_keys import LayerKeys
from sparsetime.attention.equal_budget import solved_on
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.attention_calls import calls_on, loss_under, python_windows, sparsity_of

MASS, SAMPLED, WINDOW, TILE = 0.8, 64, 16, 16


@claim(
    "zipvl",
    system=93,
    says="A number of kept tokens by layer, from its attention mass, raises the loss less than one "
    "number for all layers at an equal share of pairs.",
    data="Python-source model: budgets on 8 windows of training modules, losses on 8 windows "
    "of 256 tokens of held-out modules",
    expects=[Less("loss over dense", than="loss over dense of one number")],
    seconds=60,
    rule="On a small LM, the adaptive per-layer token ratio loses less perplexity than a fixed "
    "ratio at the same mean token count and cache bits.",
    notes="Seeds are of the windows. Both read keys in full precision, so cache bits are equal; no "
    "cache is quantised.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Two losses at an equal share of pairs."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: one number of tokens stands in the place of the numbers by layer."""
    tokens = python_windows(seed, 8)
    calls = calls_on(python_windows(seed, 8, held_out=False))
    adaptive = attention_policy("zipvl", mass=MASS, sampled=SAMPLED, window=WINDOW, tile=TILE)
    patterns = [adaptive.choose(call) for call in calls]
    one_number = adaptive.replaced(budget=LayerKeys())
    one_number = solved_on(one_number, sparsity_of(patterns), calls, "prefill")
    dense = loss_under(None, tokens)
    shares = torch.tensor([p.pairs / p.readable_pairs for p in patterns])
    return {
        "loss over dense": loss_under(one_number if null else adaptive, tokens) - dense,
        "loss over dense of one number": loss_under(one_number, tokens) - dense,
        "largest difference of the share of pairs": float(shares.max() - shares.min()),
    }
