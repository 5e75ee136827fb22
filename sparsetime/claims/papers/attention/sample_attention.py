"""SampleAttention: mass, loss and pairs of windows and columns that sampled queries choose."""

from sparsetime.attention.measures import mass_kept
from sparsetime.attention.recipes import attention_policy
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.attention_calls import (
    calls_on,
    loss_under,
    mean_of,
    python_windows,
    sparsity_of,
)

MASS, SAMPLED, WINDOW, TILE = 0.99, 32, 32, 16


@claim(
    "sample_attention",
    system=139,
    says="Windows of 32 keys and columns that hold 0.99 of the mass of 32 sampled queries keep at "
    "least 0.95 of the attention mass and the loss within 0.01 nats, with at most 0.95 of the "
    "pairs.",
    data="Python-source model, 8 windows of 256 tokens of held-out modules",
    expects=[
        AtLeast("mass kept", than=0.95),
        AtMost("loss over dense", than=0.01),
        AtMost("share of the pairs", than=0.95),
    ],
    seconds=30,
    rule="On a small long-context LM, chosen windows and stripes cover 95% of attention mass, "
    "keeping perplexity within 1% while scoring fewer pairs.",
    notes="Seeds are of the windows. A loss within 0.01 nats is a perplexity within 1%. The model "
    "sees 256 tokens: a small context stands for a long one.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Mass and pairs over all modules and heads, and a loss."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: the window alone, without columns."""
    tokens = python_windows(seed, 8)
    if null:
        policy = attention_policy("sliding_window", window=WINDOW, unit=TILE)
    else:
        settings = {"sampled": SAMPLED, "window": WINDOW, "tile": TILE}
        policy = attention_policy("sample_attention", mass=MASS, **settings)
    calls = calls_on(tokens)
    patterns = [policy.choose(call) for call in calls]
    return {
        "mass kept": mean_of([mass_kept(c, p) for c, p in zip(calls, patterns, strict=True)]),
        "loss over dense": loss_under(policy, tokens) - loss_under(None, tokens),
        "share of the pairs": 1 - sparsity_of(patterns),
    }
