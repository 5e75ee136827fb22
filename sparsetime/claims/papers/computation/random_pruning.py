"""Random pruning at initialisation: the gap to dense by width, and ERK against uniform."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTHS, SPARSITY, HIGH = (32, 128, 512), 0.95, 0.98
STEPS, BATCH, RATE = 300, 128, 3e-3


@claim(
    "random_pruning",
    system=74,
    says="The accuracy that random masks at initialisation cost shrinks with width, and ERK layer "
    "ratios beat uniform ones at high sparsity.",
    data="digits of scikit-learn; two hidden layers of 32, 128 and 512 neurons, 300 steps",
    expects=[
        Less("gap at width 128", than="gap at width 32"),
        Less("gap at width 512", than="gap at width 128"),
        Less("accuracy at 98%, uniform", than="accuracy at 98%, ERK"),
    ],
    seconds=60,
    rule="the gap between randomly pruned and dense training shrinks as width grows, and ERK layer "
    "ratios beat uniform at high sparsity.",
    notes="Gap: accuracy of the dense net less that of the pruned one of equal width and start.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Dense and pruned nets by width, and two distributions."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which no net is trained."""
    values = {}
    for width in WIDTHS:
        dense = _accuracy(width, seed, None, 0.0, untrained)
        pruned = _accuracy(width, seed, "erk", SPARSITY, untrained)
        values[f"gap at width {width}"] = dense - pruned
        values[f"dense accuracy at width {width}"] = dense
    for name, distribution in (("ERK", "erk"), ("uniform", "uniform")):
        values[f"accuracy at 98%, {name}"] = _accuracy(128, seed, distribution, HIGH, untrained)
    return values


def _accuracy(
    width: int, seed: int, distribution: str | None, sparsity: float, untrained: bool
) -> float:
    bed = digits()
    net = digit_net(width, width, seed=seed)
    sparse = None
    if distribution is not None:
        sparse = sparsify(net, "random", sparsity=sparsity, seed=seed, distribution=distribution)
    if not untrained:
        train = bed.train
        train_net(
            net, train.images, train.classes,
            steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed, sparse=sparse,
        )  # fmt: skip
    return accuracy(net, bed.held_out.images, bed.held_out.classes)
