"""BDWP: 2:8 in the forward and in the backward pass of training."""

from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.sparsify import sparsify
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTH, STEPS, BATCH, RATE = 128, 400, 128, 3e-3
SITES, SPARSITY, M = ["0", "2"], 0.75, 8


@claim(
    "bidirectional_pruning",
    system=95,
    says="Under 2:8 training both passes satisfy the pattern, accuracy is within a point of dense, "
    "and more than 40% of the multiplications of training are left out.",
    data="digits of scikit-learn; two hidden layers of 128 neurons, 400 steps",
    expects=[
        AtLeast("share of groups that satisfy 2:8, forward", than=1.0),
        AtLeast("share of groups that satisfy 2:8, backward", than=1.0),
        AtMost("points below dense", than=1.0),
        AtLeast("share of multiplications left out", than=0.4),
    ],
    seconds=40,
    rule="Under 2:8 training, both passes satisfy the N:M pattern, final accuracy is within one "
    "point of dense, and multiplies saved are counted.",
    notes="The last layer stays dense, and the product that gives the gradient of the weights. A "
    "step has three products a layer; two of them are thinned. The accelerator of the paper is not "
    "simulated.",
    null=lambda lab, seed: _values(seed, trained=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Dense and 2:8 training of one net."""
    return _values(seed)


def _values(seed: int, trained: bool = True) -> dict[str, float]:
    """trained: False is the null, in which the thinned net stays as it was initialised."""
    bed = digits()
    points = []
    for thinned in (False, True):
        net = digit_net(WIDTH, WIDTH, seed=seed)
        sparse = sparsify(net, "bdwp", sparsity=SPARSITY, m=M, sites=SITES) if thinned else None
        if trained or not thinned:
            train_net(
                net, bed.train.images, bed.train.classes,
                steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed, sparse=sparse,
            )  # fmt: skip
        points.append(100 * accuracy(net, bed.held_out.images, bed.held_out.classes))
    assert sparse is not None
    forward, backward = _patterns(sparse)
    return {
        "share of groups that satisfy 2:8, forward": forward,
        "share of groups that satisfy 2:8, backward": backward,
        "points below dense": points[0] - points[1],
        "accuracy of dense, in points": points[0],
        "share of multiplications left out": _left_out(sparse),
    }


def _patterns(sparse: Sparse) -> tuple[float, float]:
    """The share of groups with at most 2 of 8 entries along inputs, and along outputs."""
    (plan,) = sparse.plans
    assert isinstance(plan, ThinnedWeights)
    rule, structure = plan.weights.gradient_rule, plan.weights.structure
    shares = []
    for matrix in plan.matrices:
        backward = rule.backward_mask(matrix.weight, structure, matrix.sparsity)
        assert backward is not None
        for mask in (matrix.target.matrix(matrix.target.parameter != 0), backward.T):
            counts = mask.reshape(len(mask), -1, M).sum(2)
            shares.append(float((counts <= round((1 - SPARSITY) * M)).float().mean()))
    return min(shares[::2]), min(shares[1::2])


def _left_out(sparse: Sparse) -> float:
    """Of the three products of a step in all layers, the share that masks leave out."""
    rows = sparse.report().matrices
    dense = 3 * (sum(row.dense_macs for row in rows) + 10 * WIDTH)
    return sum(2 * (row.dense_macs - row.macs) for row in rows) / dense
