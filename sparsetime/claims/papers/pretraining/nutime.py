"""NuTime: numbers embedded at many scales survive series of any amplitude."""

import numpy as np

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.frozen_probes import probe_accuracy
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.testbeds.sensors.archive_sets import ARCHIVE_SETS, archive_set

D, STEPS, BATCH, RATE, PATCHES = 32, 50, 24, 1e-3, 24
ORDERS = 3.0  # amplitudes are 10^-3 to 10^3


@claim(
    "nutime",
    system=172,
    says="Where the eight sets are multiplied by 10^-3 to 10^3, mean vectors of the multi-scaled "
    "embedding classify better, in the mean, than those of one linear scale with the same "
    "pretraining.",
    data="ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand, JapaneseVowels, OSULeaf and "
    "PickupGestureWiimoteZ, each set with an amplitude of its own",
    expects=[Less("accuracy, one linear scale", than="accuracy, many scales")],
    seconds=90,
    rule="Pretrained embedding beats a single-scale linear one on UCR classification when series "
    "amplitudes span several orders of magnitude.",
    notes="Both have about 24 windows a series and equal transformers. Beside it stands the "
    "untrained model with many scales, which shows how much is the embedding and how much is "
    "learnt.",
    null=lambda lab, seed: _values(seed, both_single=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The two embeddings read the same series."""
    return _values(seed)


def _values(seed: int, both_single: bool = False) -> dict[str, float]:
    """both_single: True for the null, in which neither arm has many scales."""
    scores: dict[str, list[float]] = {}
    random = seeds.numpy_generator(seed, "random choice")
    orders = random.permutation(np.linspace(-ORDERS, ORDERS, len(ARCHIVE_SETS)))
    for name, order in zip(ARCHIVE_SETS, orders.tolist(), strict=True):
        data = archive_set(name)
        patch = max(1, round(data.train.shape[1] / PATCHES))
        train, test = (x * 10**order for x in (data.train, data.test))
        objective = pretraining_objective("nutime", patch=patch)
        single = {**objective.model, "view": {"kind": "scales", "size": patch, "scales": 1}}
        for arm, described in (
            ("many scales", single if both_single else dict(objective.model)),
            ("one linear scale", single),
        ):
            own = type(objective)(objective.name, objective.terms, objective.teacher, described)
            model = own.encoder(d_in=train.shape[2], d=D, seed=seed)
            for trained in (False, True):
                if trained:
                    settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE}
                    pretrain_briefly(model, train, own, seed=seed, **settings)
                x, x_test = (vectors_of(model, one).mean(1) for one in (train, test))
                accuracy = probe_accuracy(x, data.train_labels, x_test, data.test_labels)
                scores.setdefault(arm if trained else f"{arm}, untrained", []).append(accuracy)
    return {f"accuracy, {arm}": sum(one) / len(one) for arm, one in scores.items()}
