"""PITS: patches embedded one by one forecast as well as a masked transformer, with less."""

from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.frozen_probes import ridge_error
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.testbeds.series.street_windows import street_windows

D, STEPS, BATCH, RATE, PATCH = 32, 250, 64, 2e-3, 12
PAST, FUTURE, WINDOWS = 168, 24, 1500


@claim(
    "pits",
    system=183,
    says="Vectors of patches that no other patch reads forecast the next day at most 1% worse than "
    "those of a masked transformer, with fewer parameters.",
    data="hourly counts of pedestrians, one sensor a window, held-out years (a stand-in for ETT)",
    expects=[
        AtMost("forecast error, PITS over masked", than=1.01),
        Less("parameters, PITS", than="parameters, masked"),
        Less("forecast error, PITS", than="forecast error, untrained"),
    ],
    seconds=50,
    rule="On ETT, patch-independent pretraining matches or beats masked-patch Transformer "
    "forecasting error with fewer parameters.",
    notes="ETT may not be passed on, so counts of pedestrians stand in. Forecasts are a ridge "
    "regression on all vectors of a week, frozen.",
    null=lambda lab, seed: _values(seed, swapped=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both arms have equal patches, width, depth and steps."""
    return _values(seed)


def _values(seed: int, swapped: bool = False) -> dict[str, float]:
    """swapped: True for the null, in which the two models are exchanged."""
    train, test = (
        street_windows(PAST + FUTURE, WINDOWS, seed, held_out) for held_out in (False, True)
    )
    values = {}
    recipes = ["masked_patches", "pits"] if swapped else ["pits", "masked_patches"]
    for name, recipe in zip(("PITS", "masked"), recipes, strict=True):
        objective = pretraining_objective(recipe, patch=PATCH)
        model = objective.encoder(d_in=1, d=D, seed=seed)
        values[f"parameters, {name}"] = float(sum(one.numel() for one in model.parameters()))
        settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
        for arm in ("untrained", name):
            if arm == name:
                pretrain_briefly(model, train[:, :PAST], objective, **settings)
            elif name != "PITS":
                continue
            x, x_test = (vectors_of(model, part[:, :PAST]).flatten(1) for part in (train, test))
            values[f"forecast error, {arm}"] = ridge_error(
                x, train[:, PAST:, 0], x_test, test[:, PAST:, 0]
            )
    values["forecast error, PITS over masked"] = (
        values["forecast error, PITS"] / values["forecast error, masked"]
    )
    return values
