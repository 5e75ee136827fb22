"""Dynamical systems framework: four model classes as one recurrence, and recall by state size."""

from typing import Any

import torch

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.sequence_training import train_on_recall
from sparsetime.sequence_models.mixers.mixer import Mixer
from sparsetime.sequence_models.recurrence import native_outputs, recurrence_of
from sparsetime.testbeds.recall.accuracy import recall_accuracy
from sparsetime.testbeds.recall.model import fresh_model
from sparsetime.testbeds.recall.settings import RecallSettings, RecallTask

TASK = RecallTask(length=64, pairs=4)
STEPS, RATE = 300, 1e-2
CLASSES: dict[str, dict[str, Any]] = {
    "linear attention": {"kind": "associative", "heads": 2, "loss": "dot", "retention": "gate"},
    "softmax attention": {"kind": "attention", "heads": 2},
    "state space": {"kind": "lssl", "states": 8},
    "recurrent": {"kind": "rnn"},
}
SMALL, LARGE = 2, 16


@claim(
    "dynamical_systems",
    system=286,
    says="Linear attention, softmax attention, a state space and a gated recurrent unit, rewritten "
    "as h = A h + B u, y = C h, give their own outputs to 1e-5; a larger state brings the recall "
    "of linear attention nearer to that of softmax attention.",
    data="random inputs; recall of 4 pairs in 64 steps, one head, chance 0.0625",
    expects=[
        *[AtMost(f"difference, {name}", than=1e-5) for name in CLASSES],
        Less("recall, linear with keys of 2", than="recall, linear with keys of 16"),
        Less("recall, linear with keys of 2", than="recall, softmax"),
    ],
    seconds=80,
    rule="All model classes rewritten in the common recurrence reproduce their native outputs; "
    "larger state lifts linear attention toward softmax on recall.",
    notes="The state of softmax attention is every value so far, so it grows with length.",
    null=lambda lab, seed: _values(seed, large=SMALL),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All models see the same training sequences."""
    return _values(seed)


def _values(seed: int, large: int = LARGE) -> dict[str, float]:
    """large: dimension of keys of the larger state; for the null that of the smaller."""
    draw = seeds.torch_generator(seed, "random inputs")
    x = torch.randn(2, 24, 16, generator=draw, dtype=torch.float64)
    values = {}
    for name, config in CLASSES.items():
        with seeds.torch_globals(seed, "random choice"), torch.no_grad():
            mixer = Mixer.from_config({**config, "d": 16}).double()
            native = mixer(x)
            rewritten = native_outputs(mixer, x, recurrence_of(mixer, x))
        values[f"difference, {name}"] = float((native - rewritten).abs().max() / native.abs().max())
    linear = {"kind": "associative", "heads": 1, "loss": "dot"}
    models: list[tuple[str, dict[str, Any]]] = [
        (f"linear with keys of {SMALL}", {**linear, "d_key": SMALL}),
        (f"linear with keys of {LARGE}", {**linear, "d_key": large}),
        ("softmax", {"kind": "attention", "heads": 1}),
    ]
    for name, mixer_config in models:
        settings = RecallSettings(
            task=TASK, steps=STEPS, learning_rate=RATE, seed=seed, mixer=mixer_config
        )
        model = train_on_recall(fresh_model(settings), settings)
        scores = recall_accuracy(model, TASK, sequences=512, seed=seed)
        values[f"recall, {name}"] = scores["accuracy"]
    return values
