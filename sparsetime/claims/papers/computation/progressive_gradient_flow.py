"""Progressive gradient flow: fading masks against straight-through N:M training."""

from typing import Any

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.net_training import accuracy, mean_loss, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTH, STEPS, BATCH, RATE = 128, 400, 128, 3e-3
PATTERNS = {"1:8": 8, "1:16": 16}
FADED = 200


@claim(
    "progressive_gradient_flow",
    system=62,
    says="At 1:8 and 1:16, masks that fade in reach a lower test loss than straight-through N:M "
    "training at equal steps, and every group satisfies N:M.",
    data="digits of scikit-learn; two hidden layers of 128 neurons, 400 steps",
    expects=[
        Less("loss at 1:8, fading", than="loss at 1:8, straight-through"),
        Less("loss at 1:16, fading", than="loss at 1:16, straight-through"),
        AtLeast("matrices that satisfy N:M", than=1.0),
    ],
    seconds=60,
    rule="at 1:8 or sparser, decayed masks give lower test loss than plain straight-through N:M at "
    "equal steps, and every group satisfies N:M.",
    notes="The last layer stays dense. Removed weights are zero from half of training on. Plain "
    "straight-through: no decay of removed weights.",
    null=lambda lab, seed: _values(seed, exchanged=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both ways of training at two patterns."""
    return _values(seed)


def _values(seed: int, exchanged: bool = False) -> dict[str, float]:
    """exchanged: the null, in which the baseline is in the place of the recipe."""
    values, holds = {}, []
    bed = digits()
    for name, m in PATTERNS.items():
        for way in ("fading", "straight-through"):
            net = digit_net(WIDTH, WIDTH, seed=seed)
            settings: dict[str, Any] = {"sites": ["0", "2"], "sparsity": 1 - 1 / m, "m": m}
            if way == "fading" and not exchanged:
                sparse = sparsify(net, "fading", until=FADED, **settings)
            else:
                sparse = sparsify(net, "sr_ste", decay=0.0, **settings)
            train_net(
                net, bed.train.images, bed.train.classes,
                steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed, sparse=sparse,
            )  # fmt: skip
            held_out = bed.held_out
            values[f"loss at {name}, {way}"] = mean_loss(net, held_out.images, held_out.classes)
            values[f"accuracy at {name}, {way}"] = accuracy(net, held_out.images, held_out.classes)
            holds += [row.holds for row in sparse.report().matrices]
    values["matrices that satisfy N:M"] = sum(holds) / len(holds)
    return values
