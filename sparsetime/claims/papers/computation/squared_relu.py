"""ReLU^2: which activation function leaves out most neurons at one increase in loss."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.net_training import train_net
from sparsetime.computation.bounded_sparsity import bounded_sparsity
from sparsetime.testbeds.character_lm.model import ACTIVATIONS, character_lm, character_windows

STEPS, BATCH, RATE = 250, 16, 3e-3
WINDOWS, PERCENT = 96, 1.0


@claim(
    "squared_relu",
    system=222,
    says="Of models of characters with ReLU, SwiGLU, ReGLU and ReLU^2, the last leaves out the "
    "most neurons at 1% more perplexity.",
    data="models of characters on the standard library's source, 250 steps; held-out modules",
    expects=[
        Less("sparsity of relu", than="sparsity of relu2"),
        Less("sparsity of reglu", than="sparsity of relu2"),
        Less("sparsity of swiglu", than="sparsity of relu2"),
    ],
    seconds=85,
    rule="Of small LMs trained with ReLU, SwiGLU, ReGLU, ReLU², the last skips most neurons at one "
    "fixed loss increase.",
    notes="Neurons are inactive by the length of what they write. Gated MLPs have two thirds of "
    "the neurons, so that all models have as many weights.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Four models on the same windows."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which no model is trained."""
    train = character_windows(STEPS * BATCH, seed=seed, held_out=False)
    held_out = character_windows(WINDOWS, seed=seed, held_out=True)
    values = {}
    for activation in ACTIVATIONS:
        model = character_lm(activation, seed=seed)
        if not untrained:
            train_net(model, train, steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed)
        found = bounded_sparsity(model, data=held_out, percent=PERCENT, steps=8)
        values[f"sparsity of {activation}"] = found.sparsity
        values[f"perplexity of {activation}"] = found.dense_perplexity
    return values
