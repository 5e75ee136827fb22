"""Aaren: the scan equals the recurrence, memory is constant, and series are classified as well."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.sequence_training import train_sequence_model
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.state import RecurrentState
from sparsetime.testbeds.sensors.basic_motions import basic_motions

D, HEADS, LAYERS = 32, 4, 2
STEPS, RATE = 150, 3e-3
PIECES = (1, 7, 64, 28)

Series = tuple[Float[Tensor, "series time d_in"], Int[Tensor, " series"]]


@claim(
    "aaren",
    system=267,
    says="Outputs of the scan and of the recurrence differ by rounding, the state has the same "
    "size after 800 steps as after 100, and the accuracy on small series is at most 0.05 below "
    "that of a transformer of equal width and depth.",
    data="BasicMotions: 40 series of a smart watch for training and 40 for the test, 4 activities",
    expects=[
        AtMost("scan and recurrence, relative", than=1e-5),
        AtMost("state after 800 steps over that after 100", than=1.0),
        AtLeast("accuracy, Aaren less transformer", than=-0.05),
    ],
    seconds=60,
    rule="Scan output equals step-by-step recurrence to rounding, per-token memory stays constant, "
    "and small-series accuracy is near a transformer's.",
    notes="One data set, in which both may be near 1. Channels are standardised on its training "
    "part.",
    null=lambda lab, seed: _values(seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both models have the same training series and number of steps."""
    return _values(seed)


def _values(seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: True for the null, in which Aaren's training labels are permuted."""
    train, test = _motions()
    random = seeds.torch_generator(seed, "random choice")
    wrong = train[1][torch.randperm(len(train[1]), generator=random)]
    values = {}
    for name, kind in (("Aaren", "prefix_softmax"), ("transformer", "attention")):
        labels = wrong if shuffled and name == "Aaren" else train[1]
        model = _model(kind, seed)
        train_sequence_model(
            model, [(train[0], labels)] * STEPS, _loss, steps=STEPS, learning_rate=RATE
        )
        with torch.no_grad():
            guess = _logits(model, test[0]).argmax(-1)
        values[f"accuracy, {name}"] = float((guess == test[1]).float().mean())
        if name == "Aaren":
            values |= _recurrence(model, test[0])
    values["accuracy, Aaren less transformer"] = (
        values["accuracy, Aaren"] - values["accuracy, transformer"]
    )
    return values


def _model(kind: str, seed: int) -> SequenceModel:
    mixers = [{"kind": "conv", "width": 3}, *[{"kind": kind, "heads": HEADS}] * LAYERS]
    return compose_model("values", mixers, "label", d=D, seed=seed, d_in=6, classes=4)


def _logits(model: SequenceModel, x: Tensor) -> Tensor:
    output = model(x)
    assert isinstance(output, Tensor)
    return output[:, -1]


def _loss(model: SequenceModel, batch: Series) -> Tensor:
    return nn.functional.cross_entropy(_logits(model, batch[0]), batch[1])


@torch.no_grad()
def _recurrence(model: SequenceModel, x: Tensor) -> dict[str, float]:
    """Single steps, and pieces with the state between, against whole series."""
    whole, largest = model.encode(x), 0.0
    for lengths in ((1,) * x.shape[1], PIECES):
        state = RecurrentState()
        parts = [model.vectors(part, state) for part in x.split(lengths, 1)]
        largest = max(largest, float((torch.cat(parts, 1) - whole).abs().max()))
    return {
        "scan and recurrence, relative": largest / float(whole.abs().max()),
        "state after 800 steps over that after 100": model.state_size(800) / model.state_size(100),
    }


def _motions() -> tuple[Series, Series]:
    documents = basic_motions()
    activities = sorted({str(one.labels["activity"]) for one in documents})
    parts = []
    for part in ("train", "test"):
        chosen = [one for one in documents if one.labels["part"] == part]
        labels = [activities.index(str(one.labels["activity"])) for one in chosen]
        parts.append((torch.stack([one.values for one in chosen]), torch.tensor(labels)))
    mean, spread = parts[0][0].mean((0, 1)), parts[0][0].std((0, 1))
    train, test = (((x - mean) / spread, labels) for x, labels in parts)
    return train, test
