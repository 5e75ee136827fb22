"""TS-JEPA: latents of hidden patches as targets classify as well as their values."""

from sparsetime.claims.claim import AtLeast, Lab, claim
from sparsetime.claims.lab.frozen_probes import probe_accuracy
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.testbeds.sensors.archive_sets import ARCHIVE_SETS, archive_set

D, STEPS, BATCH, RATE = 32, 80, 32, 2e-3
SHARE, TEACHER, PATCHES = 0.5, 0.98, 24


@claim(
    "ts_jepa",
    system=259,
    says="Over all eight series sets with labels of one package, frozen vectors of a model that "
    "predicts latents classify at least as well in the mean as those of its twin that predicts "
    "values, and their variance over series does not vanish.",
    data="ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand, JapaneseVowels, OSULeaf and "
    "PickupGestureWiimoteZ",
    expects=[
        AtLeast("accuracy, latents less values", than=0.0),
        AtLeast("variance over series, latents over values", than=0.1),
    ],
    seconds=90,
    rule="Frozen latents classify UCR series at or above a masked-reconstruction twin, with "
    "embedding variance showing no collapse.",
    notes="Both arms hide the same patches with the same weights at the beginning; about 24 "
    "patches a series. The variance is that of the mean vectors, before the last normalisation's "
    "scale.",
    null=lambda lab, seed: _values(seed, constant=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Twins differ in the target alone."""
    return _values(seed)


def _values(seed: int, constant: bool = False) -> dict[str, float]:
    """constant: True for the null, in which the latents are those of a model without input."""
    accuracies: dict[str, list[float]] = {"latents": [], "values": []}
    spreads: dict[str, list[float]] = {"latents": [], "values": []}
    for name in ARCHIVE_SETS:
        data = archive_set(name)
        patch = max(1, round(data.train.shape[1] / PATCHES))
        for target, recipe, own in (
            ("latents", "ts_jepa", {"teacher": TEACHER}),
            ("values", "masked_patches", {}),
        ):
            objective = pretraining_objective(recipe, share=SHARE, patch=patch, **own)
            model = objective.encoder(d_in=data.train.shape[2], d=D, seed=seed)
            settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
            hidden = constant and target == "latents"
            shown = (0 * one if hidden else one for one in (data.train, data.test))
            train_x, test_x = shown
            pretrain_briefly(model, train_x, objective, **settings)
            train, test = (vectors_of(model, x).mean(1) for x in (train_x, test_x))
            accuracies[target].append(
                probe_accuracy(train, data.train_labels, test, data.test_labels)
            )
            spreads[target].append(float(test.var(0).mean()))
    means = {target: sum(one) / len(one) for target, one in accuracies.items()}
    ratio = [a / b for a, b in zip(spreads["latents"], spreads["values"], strict=True)]
    return {
        "accuracy, latents": means["latents"],
        "accuracy, values": means["values"],
        "accuracy, latents less values": means["latents"] - means["values"],
        "variance over series, latents over values": sum(ratio) / len(ratio),
    }
