"""Sparse recipes: the schedule of dense training leaves sparse networks undertrained."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTH, SPARSITY, STEPS, LONGER, EVERY, BATCH, RATE = 64, 0.9, 150, 4, 10, 128, 3e-3


@claim(
    "sparse_recipes",
    system=206,
    says="At 90% sparsity the training loss is higher than that of the dense net under the same "
    "schedule, and four times the steps regain accuracy.",
    data="digits of scikit-learn; two hidden layers of 64 neurons, 150 and 600 steps",
    expects=[
        Less("training loss, dense", than="training loss at 90%, same schedule"),
        Less("training loss at 90%, longer", than="training loss at 90%, same schedule"),
        Less("accuracy at 90%, same schedule", than="accuracy at 90%, longer"),
    ],
    seconds=15,
    rule="At 90% sparsity a small model has higher training loss under the dense recipe; the "
    "longer or revised schedule regains accuracy.",
    notes="Gradual pruning over the first half of the steps; the learning rate falls by a cosine "
    "over all of them. Training loss: mean of the last tenth of the steps.",
    null=lambda lab, seed: _values(seed, longer=1),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Dense, sparse under the same schedule, and sparse under a longer one."""
    return _values(seed)


def _values(seed: int, longer: int = LONGER) -> dict[str, float]:
    """longer: how many times the steps; 1 in the null, in which the schedule is not longer."""
    bed = digits()
    train, held_out = bed.train, bed.held_out
    values = {}
    for name, steps, is_sparse in (
        ("dense", STEPS, False),
        ("at 90%, same schedule", STEPS, True),
        ("at 90%, longer", longer * STEPS, True),
    ):
        net = digit_net(WIDTH, WIDTH, seed=seed)
        sparse = None
        if is_sparse:
            sparse = sparsify(net, "gradual", sparsity=SPARSITY, steps=steps // 2, every=EVERY)
        loss = train_net(
            net, train.images, train.classes,
            steps=steps, batch=BATCH, learning_rate=RATE, seed=seed, sparse=sparse,
        )  # fmt: skip
        at = f", {name}" if name == "dense" else f" {name}"
        values[f"training loss{at}"] = loss
        values[f"accuracy{at}"] = accuracy(net, held_out.images, held_out.classes)
    return values
