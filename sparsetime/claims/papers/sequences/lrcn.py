"""LRCN: an LSTM over vectors of frozen frames parts orders that have one mean."""

from typing import Any

from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.clip_classifier import Labelled, last_accuracy, train_classifier
from sparsetime.claims.lab.frozen_frames import GESTURES, frozen_gestures, in_random_order
from sparsetime.sequence_models.compose_model import compose_model

COUNT, FRAMES, SIZE, D = 480, 12, 16, 32
STEPS, BATCH, RATE = 250, 32, 3e-3
LSTM: dict[str, Any] = {"kind": "rnn", "cell": "lstm"}
MEAN: dict[str, Any] = {"kind": "conv", "width": 1}  # reads one frame; the head averages


@claim(
    "lrcn",
    system=19,
    says="On gestures whose order alone parts them in pairs, an LSTM over vectors of frozen frames "
    "is at least 0.1 more accurate than their mean, and with shuffled frames at most 0.05.",
    data="made clips of a shape that makes two strokes, twelve gestures, 16 by 16 pixels",
    expects=[
        AtLeast("accuracy, LSTM less mean", than=0.1),
        AtMost("accuracy, shuffled LSTM less mean", than=0.05),
    ],
    seconds=50,
    rule="on order-dependent clips, an LSTM over frozen frame features beats averaging them; "
    "shuffling the frames removes the gain.",
    notes="The frozen frame model is a small one that was trained to rebuild frames, in place of a "
    "network trained on photographs. Two gestures of the same strokes have the same frames, so the "
    "mean is right half of the time at most.",
    null=lambda lab, seed: _values(seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All arms read the same vectors for the same number of steps."""
    return _values(seed)


def _values(seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: True for the null, in which the frames of all clips are in a random order."""
    train, test = frozen_gestures(COUNT, FRAMES, SIZE, D, seed)
    mixed = in_random_order(train, seed), in_random_order(test, seed)
    if shuffled:
        train, test = mixed
    accuracy = {
        "LSTM": _accuracy(LSTM, train, test, seed),
        "mean": _accuracy(MEAN, train, test, seed),
        "shuffled LSTM": _accuracy(LSTM, *mixed, seed),
    }
    return {f"accuracy, {name}": value for name, value in accuracy.items()} | {
        f"accuracy, {name} less mean": accuracy[name] - accuracy["mean"]
        for name in ("LSTM", "shuffled LSTM")
    }


def _accuracy(mixer: dict[str, Any], train: Labelled, test: Labelled, seed: int) -> float:
    model = compose_model("values", [mixer], "label", d=D, seed=seed, d_in=D, classes=len(GESTURES))
    train_classifier(model, train, steps=STEPS, batch=BATCH, rate=RATE, seed=seed)
    return last_accuracy(model, test)
