"""TS2Vec: pooled vectors classify better than raw series and than those of a random encoder."""

import torch

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.frozen_probes import probe_accuracy, ridge_error
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, vectors_of
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.sensors.archive_sets import ARCHIVE_SETS, ArchiveSet, archive_set
from sparsetime.testbeds.series.street_windows import street_windows

D, STEPS, BATCH, RATE = 32, 60, 16, 3e-3
LONGEST = 100  # steps of a training window
PAST, FUTURE, WINDOWS = 96, 24, 600
DEEPER = 6  # layers for forecasts, which read more than a day back
FROZEN = 1e-12  # a learning rate by which no weight moves


@claim(
    "ts2vec",
    system=260,
    says="Over all eight series sets with labels of one package, vectors pooled over time classify "
    "better than the raw series and than vectors of the untrained encoder, in the mean and on at "
    "least three sets; the last hour's vector forecasts the next day better than the day before.",
    data="ACSF1, ArrowHead, BasicMotions, GunPoint, ItalyPowerDemand, JapaneseVowels, OSULeaf and "
    "PickupGestureWiimoteZ; hourly counts of pedestrians",
    expects=[
        Less("accuracy, raw series", than="accuracy, TS2Vec"),
        Less("accuracy, untrained", than="accuracy, TS2Vec"),
        AtLeast("sets on which TS2Vec is best", than=3),
        Less("forecast error, TS2Vec", than="forecast error, day before"),
    ],
    seconds=90,
    rule="On several UCR sets, pooled vectors beat raw and random-encoder baselines; timestamp "
    "vectors support linear forecasting and anomaly scores.",
    notes="All sets of the package count, none is chosen by its outcome. Anomaly scores are left "
    "out. Four to six convolutions and 60 steps are far less than the paper's.",
    null=lambda lab, seed: _values(seed, rate=FROZEN),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The trained and the untrained encoder begin with the same weights."""
    return _values(seed)


def _values(seed: int, rate: float = RATE) -> dict[str, float]:
    """rate: of the training; the null's moves nothing."""
    scores = []
    for name in ARCHIVE_SETS:
        data = archive_set(name)
        window = min(LONGEST, data.train.shape[1])
        model = _encoder(data.train.shape[2], seed)
        untrained = _accuracy(model, data)
        _train(model, data.train, window, seed, rate)
        raw = (data.train.flatten(1), data.train_labels, data.test.flatten(1), data.test_labels)
        scores.append([probe_accuracy(*raw), untrained, _accuracy(model, data)])
    table = torch.tensor(scores)
    best = (table[:, 2] > table[:, 0]) & (table[:, 2] > table[:, 1])
    means = table.mean(0).tolist()
    return {
        "accuracy, raw series": means[0],
        "accuracy, untrained": means[1],
        "accuracy, TS2Vec": means[2],
        "sets on which TS2Vec is best": float(best.sum()),
        **_forecasts(seed, rate),
    }


def _encoder(d_in: int, seed: int, layers: int = 4) -> SequenceModel:
    return pretraining_objective("ts2vec", layers=layers).encoder(d_in=d_in, d=D, seed=seed)


def _train(
    model: SequenceModel, x: torch.Tensor, window: int, seed: int, rate: float
) -> SequenceModel:
    settings = {"steps": STEPS, "batch": BATCH, "window": window, "learning_rate": rate}
    return pretrain_briefly(model, x, pretraining_objective("ts2vec"), seed=seed, **settings)


def _accuracy(model: SequenceModel, data: ArchiveSet) -> float:
    train, test = (vectors_of(model, x).amax(1) for x in (data.train, data.test))
    return probe_accuracy(train, data.train_labels, test, data.test_labels)


def _forecasts(seed: int, rate: float) -> dict[str, float]:
    train, test = (
        street_windows(PAST + FUTURE, WINDOWS, seed, held_out) for held_out in (False, True)
    )
    model = _train(_encoder(1, seed, DEEPER), train[:, :PAST], PAST, seed, rate)
    (x, y), (x_test, y_test) = (
        (vectors_of(model, part[:, :PAST])[:, -1], part[:, PAST:, 0]) for part in (train, test)
    )
    before = test[:, PAST - FUTURE : PAST, 0]
    return {
        "forecast error, TS2Vec": ridge_error(x, y, x_test, y_test),
        "forecast error, day before": float((before - y_test).square().mean()),
    }
