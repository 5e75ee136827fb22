"""Bidirectional feature prediction: past and future together probe better than future alone."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.clip_probe import clip_tensors, motion_accuracy
from sparsetime.claims.lab.short_pretraining import pretrain_briefly
from sparsetime.pretraining.recipes.card import pretraining_objective

D, STEPS, BATCH, RATE = 48, 150, 32, 3e-3
CLIPS, FRAMES = 400, 24


@claim(
    "bidirectional_features",
    system=219,
    says="A probe of motion on frozen vectors is better after joint prediction of past and future "
    "than after prediction of the future alone.",
    data="made clips of one moving shape, 24 frames of 32 pixels, six kinds of motion",
    expects=[
        Less("accuracy, future alone", than="accuracy, both"),
        Less("accuracy, untrained", than="accuracy, both"),
    ],
    seconds=90,
    rule="On small clips or series, joint past-future training gives higher linear-probe accuracy "
    "than future-only training.",
    notes="The middle third of a clip predicts the features of the others.",
    null=lambda lab, seed: _values(seed, joint="future"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both arms begin with the same weights and read the same batches."""
    return _values(seed)


def _values(seed: int, joint: str = "both") -> dict[str, float]:
    """joint: direction of the joint arm; the null's predicts the future alone too."""
    train, test = clip_tensors(CLIPS, FRAMES, seed)
    values = {}
    for name, direction in (("both", joint), ("future alone", "future")):
        objective = pretraining_objective("bidirectional_features", direction=direction)
        model = objective.encoder(d=D, seed=seed)
        values["accuracy, untrained"] = motion_accuracy(model, train, test)
        settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
        pretrain_briefly(model, train.frames, objective, **settings)
        values[f"accuracy, {name}"] = motion_accuracy(model, train, test)
    return values
