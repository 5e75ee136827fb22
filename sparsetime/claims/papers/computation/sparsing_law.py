"""Sparsing Law: active neurons within a budget of perplexity, by amount of training data."""

from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import train_net
from sparsetime.computation.bounded_sparsity import bounded_sparsity
from sparsetime.testbeds.character_lm.model import character_lm, character_windows

STEPS, BATCH, RATE = (80, 160, 320), 16, 3e-3
WINDOWS, PERCENT = 96, 1.0


@claim(
    "sparsing_law",
    system=73,
    says="The sparsity at 1% more perplexity meets its budget, and the share of active neurons "
    "falls with data for ReLU and rises for SiLU.",
    data="models of characters on the standard library's source, 80 to 320 steps; held-out modules",
    expects=[
        AtMost("largest rise of perplexity, in percent", than=PERCENT),
        AtLeast("least rise of perplexity, in percent", than=0.8 * PERCENT),
        Less("active at 320 steps, relu", than="active at 80 steps, relu"),
        Less("active at 80 steps, swiglu", than="active at 320 steps, swiglu"),
    ],
    seconds=80,
    rule="the PPL-p% metric finds the threshold meeting its loss budget; activation ratio falls "
    "with data for ReLU but rises for SiLU.",
    notes="Every amount of data is a training of its own. The SiLU model is a gated one. Neurons "
    "are inactive by the length of what they write.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Two activation functions at three amounts of data."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which no model is trained."""
    train = character_windows(STEPS[-1] * BATCH, seed=seed, held_out=False)
    held_out = character_windows(WINDOWS, seed=seed, held_out=True)
    values, rises = {}, []
    for activation in ("relu", "swiglu"):
        for steps in STEPS:
            model = character_lm(activation, seed=seed)
            if not untrained:
                rows = train[: steps * BATCH]
                train_net(model, rows, steps=steps, batch=BATCH, learning_rate=RATE, seed=seed)
            found = bounded_sparsity(model, data=held_out, percent=PERCENT, steps=10)
            values[f"active at {steps} steps, {activation}"] = 1 - found.sparsity
            rises.append(found.percent)
    return {
        "largest rise of perplexity, in percent": max(rises),
        "least rise of perplexity, in percent": min(rises),
        **values,
    }
