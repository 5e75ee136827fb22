"""TEAL: small activations left out in front of every linear map."""

import math

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss
from sparsetime.claims.lab.python_documents import python_windows
from sparsetime.computation.cost import cost
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.python_code.pretrained import code_model

CALIBRATION, WINDOWS, SPARSITY = 16, 24, 0.4


@claim(
    "activation_thresholds",
    system=177,
    says="Calibrated thresholds leave out 40% of all activations on held-out text, within two "
    "points, and perplexity rises by at most 15%, less than without calibrated places.",
    data="the Python-source model; 16 modules calibrate, 24 held-out modules score",
    expects=[
        AtMost("points off the target", than=2.0),
        AtMost("rise of perplexity, in percent", than=15.0),
        Less("rise of perplexity, in percent", than="rise with random weights"),
    ],
    seconds=40,
    rule="Calibrated thresholds hit 40% activation sparsity on held-out text of a small LM with a "
    "small perplexity rise.",
    notes="A small rise is read as at most 15%, which the row leaves open; models of billions of "
    "weights lose less. The comparison leaves out as many weights at random.",
    null=lambda lab, seed: _values(seed, random=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Thresholds of one calibration on other text."""
    return _values(seed)


def _values(seed: int, random: bool = False) -> dict[str, float]:
    """random: the null, in which random weights are left out in the place of small activations."""
    model = code_model()
    data = python_windows(model, CALIBRATION, seed=seed, held_out=False)
    held_out = python_windows(model, WINDOWS, seed=seed, held_out=True)
    dense = mean_loss(model.model, held_out)
    sparse = sparsify(model, score="random", sparsity=SPARSITY, seed=seed)
    by_chance = mean_loss(model.model, held_out)
    if not random:
        sparse.dense()
        sparse = sparsify(model, "teal", sparsity=SPARSITY, data=data)
    table = cost(sparse, held_out).share_by_matrix()
    shares = [share for name, share in table.items() if name != "lm_head"]
    thinned = mean_loss(model.model, held_out)
    return {
        "points off the target": 100 * abs(1 - sum(shares) / len(shares) - SPARSITY),
        "rise of perplexity, in percent": 100 * math.expm1(thinned - dense),
        "rise with random weights": 100 * math.expm1(by_chance - dense),
    }
