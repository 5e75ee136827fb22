"""CATS: neurons of gated MLPs left out by their gate, against a swap of the activation function."""

import math

from torch import nn

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss
from sparsetime.claims.lab.python_documents import python_windows
from sparsetime.computation.cost import cost
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.python_code.pretrained import code_model

CALIBRATION, WINDOWS, SPARSITY = 16, 24, 0.5


@claim(
    "gated_thresholds",
    system=97,
    says="At a target of 50%, the measured sparsity of gated activations is within two points, and "
    "perplexity rises less than when SiLU is swapped for ReLU.",
    data="the Python-source model, a SwiGLU; 16 modules calibrate, 24 held-out modules score",
    expects=[
        AtMost("points off the target", than=2.0),
        Less("rise of perplexity", than="rise of perplexity by a swap to ReLU"),
    ],
    seconds=40,
    rule="At 50% target on a small gated-MLP LM, measured sparsity is within two points and "
    "perplexity rises less than with ReLU swapping.",
    null=lambda lab, seed: _values(seed, random=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Thresholds of one calibration on other text."""
    return _values(seed)


def _values(seed: int, random: bool = False) -> dict[str, float]:
    """random: the null, in which the neurons left out are random rows of the maps up."""
    model = code_model()
    data = python_windows(model, CALIBRATION, seed=seed, held_out=False)
    held_out = python_windows(model, WINDOWS, seed=seed, held_out=True)
    dense = mean_loss(model.model, held_out)
    if random:
        sparse = sparsify(
            model, score="random", structure="rows", sparsity=SPARSITY, seed=seed,
            sites="model.layers.*.mlp.up_proj",
        )  # fmt: skip
    else:
        sparse = sparsify(model, "cats", sparsity=SPARSITY, data=data)
    shares = [s for name, s in cost(sparse, held_out).share_by_matrix().items() if "down" in name]
    thinned = mean_loss(model.model, held_out)
    sparse.dense()
    for module in model.model.modules():
        if hasattr(module, "act_fn"):
            module.act_fn = nn.ReLU()
    swapped = mean_loss(model.model, held_out)
    return {
        "points off the target": 100 * abs(1 - sum(shares) / len(shares) - SPARSITY),
        "rise of perplexity": math.exp(thinned) - math.exp(dense),
        "rise of perplexity by a swap to ReLU": math.exp(swapped) - math.exp(dense),
        "perplexity of the model": math.exp(dense),
    }
