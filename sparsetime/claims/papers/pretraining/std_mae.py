"""STD-MAE: encoders pretrained along sensors and along time, each and both, feed a forecaster."""

import torch
from torch import Tensor

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.frozen_probes import ridge_error
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.testbeds.series.street_windows import city_windows

D, PATCH, STEPS, BATCH, RATE, SHARE = 16, 12, 150, 16, 3e-3, 0.25
PAST, RECENT, FUTURE, WINDOWS = 72, 24, 12, 1500
ARMS = {"neither": (), "sensors": ("sensors",), "time": ("time",), "both": ("sensors", "time")}


@claim(
    "std_mae",
    system=205,
    says="A ridge forecaster of all sensors has the lowest error with vectors of both masked "
    "autoencoders beside the last day, a higher one with either alone, and the highest with "
    "neither.",
    data="hourly counts of pedestrians at all sensors without long gaps, held-out years (a "
    "stand-in for traffic)",
    expects=[
        Less("forecast error, both", than="forecast error, sensors"),
        Less("forecast error, both", than="forecast error, time"),
        Less("forecast error, sensors", than="forecast error, neither"),
        Less("forecast error, time", than="forecast error, neither"),
    ],
    seconds=50,
    rule="On a small traffic subset, adding the two encoders lowers a forecaster's error, and "
    "either alone helps less.",
    notes="The forecaster is a ridge regression of the next 12 hours on the last 24, and on the "
    "frozen vectors of the last patch of every sensor, which have read three days.",
    null=lambda lab, seed: _values(seed, blind=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All arms forecast the same hours from the same windows."""
    return _values(seed)


def _values(seed: int, blind: bool = False) -> dict[str, float]:
    """blind: True for the null, in which the encoders read constant series."""
    train, test = (
        city_windows(PAST + FUTURE, WINDOWS, seed, held_out) for held_out in (False, True)
    )
    features = {
        name: _features(mask, train, test, seed, blind)
        for name, mask in (("sensors", "tube"), ("time", "frame"))
    }
    values = {}
    for arm, names in ARMS.items():
        inputs = [
            torch.cat(
                [windows[:, PAST - RECENT : PAST].flatten(1), *(features[n][i] for n in names)], 1
            )
            for i, windows in enumerate((train, test))
        ]
        targets = [windows[:, PAST:].flatten(1) for windows in (train, test)]
        values[f"forecast error, {arm}"] = ridge_error(inputs[0], targets[0], inputs[1], targets[1])
    return values


def _features(
    mask: str, train: Tensor, test: Tensor, seed: int, blind: bool
) -> tuple[Tensor, Tensor]:
    """Vectors of the last patch of every sensor, after pretraining with that mask."""
    objective = pretraining_objective("std_mae", mask=mask, share=SHARE, patch=PATCH)
    sensors = train.shape[2]
    model = objective.encoder(d_in=sensors, d=D, seed=seed)
    past, past_test = (one[:, :PAST] * (0.0 if blind else 1.0) for one in (train, test))
    settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
    pretrain_briefly(model, past, objective, **settings)
    last, last_test = (vectors_of(model, x)[:, -sensors:].flatten(1) for x in (past, past_test))
    return last, last_test
