"""Titans: a memory written by surprise recalls far beyond an attention window."""

from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.sequence_training import train_on_recall
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.testbeds.recall.accuracy import recall_accuracy
from sparsetime.testbeds.recall.settings import RecallSettings, RecallTask

TASK = RecallTask(length=64, pairs=4)
WINDOW, CHUNK, HEADS, D = 8, 16, 2, 32
STEPS, RATE = 600, 1e-2


@claim(
    "titans",
    system=266,
    says="At equal size, a memory followed by attention to 8 steps recalls pairs that were shown "
    "more than 40 steps earlier; two layers of that attention are at chance.",
    data="recall: 4 pairs among noise in the first half of 64 steps, asked for in the second; 16 "
    "values, so chance is 0.0625",
    expects=[
        AtLeast("far recall, memory and window", than=0.7),
        AtMost("far recall, window alone", than=0.15),
        Less("recall, window alone", than="recall, memory and window"),
    ],
    seconds=80,
    rule="At equal size, a memory plus short window recalls needles far beyond the window, where "
    "window-only attention falls to chance.",
    notes="The memory is a matrix, the linear case of the paper, whose surprise is taken in chunks "
    "of 16 steps. Far are the queries with the longest lags, a quarter of all.",
    null=lambda lab, seed: _values(seed, with_memory=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both models see the same training sequences."""
    return _values(seed)


def _values(seed: int, with_memory: bool = True) -> dict[str, float]:
    """with_memory: False for the null, in which the window is in the memory's place too."""
    window = {"kind": "attention", "heads": HEADS, "window": WINDOW}
    memory = {
        **{"kind": "associative", "heads": HEADS, "loss": "squared", "retention": "gate"},
        **{"momentum": True, "chunk": CHUNK},
    }
    first = memory if with_memory else window
    settings = RecallSettings(task=TASK, steps=STEPS, learning_rate=RATE, d=D, seed=seed)
    values = {}
    for name, mixer in (("memory and window", first), ("window alone", window)):
        model = compose_model(
            "symbols",
            [{"kind": "conv", "width": 3}, mixer, window],
            "next_symbol",
            d=D,
            channel=None,
            seed=seed,
            vocabulary=TASK.vocabulary,
        )
        train_on_recall(model, settings)
        scores = recall_accuracy(model, TASK, sequences=512, seed=seed)
        values[f"recall, {name}"] = scores["accuracy"]
        values[f"far recall, {name}"] = scores["far"]
        values[f"parameters, {name}"] = float(sum(p.numel() for p in model.parameters()))
    return values
