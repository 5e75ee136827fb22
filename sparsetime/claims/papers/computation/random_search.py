"""Random search of node masks: the best of several against masks that nobody searched."""

from statistics import mean, stdev

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.digits.data import DigitPart, digits
from sparsetime.testbeds.digits.nets import digit_net

SPARSITIES = (0.5, 0.8)
WIDTH, MASKS, SHORT, STEPS, BATCH, RATE = 64, 10, 60, 200, 128, 3e-3
OF_95 = 2.262  # spreads of a mean of ten, of Student's distribution


@claim(
    "random_search",
    system=67,
    says="The best of ten searched masks of neurons is, once trained, no better than masks that "
    "were not searched.",
    data="digits of scikit-learn; two hidden layers of 64 neurons, of which half and a fifth stay",
    expects=[
        AtMost("lower end of the difference at 50%", than=0.0),
        AtMost("lower end of the difference at 80%", than=0.0),
        Less("mean accuracy of a search at 80%", than="accuracy of the best of a search at 80%"),
    ],
    seconds=60,
    rule="at each sparsity, the best of N searched node masks is tested against random masks after "
    "training, reporting differences with intervals.",
    notes="Searched by tuning accuracy after 60 steps; then trained for 200 from other weights, on "
    "held-out digits, beside ten other masks. The interval is a prediction interval for one more "
    "mask: the spread of ten, so that the one best mask is compared with single masks.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A search and ten other masks at two sparsities."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which the other masks are not trained, so that the best must win."""
    bed = digits()
    values: dict[str, float] = {}
    for sparsity in SPARSITIES:
        at = f"at {sparsity:.0%}"
        searched = [_trained(100 * seed + n, sparsity, seed, SHORT, bed.tuning)
                    for n in range(MASKS)]  # fmt: skip
        best = 100 * seed + searched.index(max(searched))
        found = _trained(best, sparsity, seed + 50, STEPS, bed.held_out)
        others = [
            _trained(100 * seed + MASKS + n, sparsity, seed + 50, 0 if untrained else STEPS,
                     bed.held_out)
            for n in range(MASKS)
        ]  # fmt: skip
        difference = found - mean(others)
        width = OF_95 * stdev(others) * (1 + 1 / MASKS) ** 0.5
        values |= {
            f"difference {at}": difference,
            f"lower end of the difference {at}": difference - width,
            f"upper end of the difference {at}": difference + width,
            f"accuracy of the best of a search {at}": max(searched),
            f"mean accuracy of a search {at}": mean(searched),
            f"accuracy of other masks {at}": mean(others),
        }
    return values


def _trained(mask: int, sparsity: float, start: int, steps: int, scored: DigitPart) -> float:
    """Accuracy of a net with a mask of neurons. mask, start: seeds of the mask and the weights."""
    train = digits().train
    net = digit_net(WIDTH, WIDTH, seed=start)
    sparse = sparsify(
        net, sparsity=sparsity, seed=mask, sites=["0", "2"], score="random", structure="rows"
    )
    if steps:
        train_net(
            net, train.images, train.classes,
            steps=steps, batch=BATCH, learning_rate=RATE, seed=start, sparse=sparse,
        )  # fmt: skip
    return accuracy(net, scored.images, scored.classes)
