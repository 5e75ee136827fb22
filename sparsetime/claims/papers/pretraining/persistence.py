"""Spatiotemporal persistency: positives from different clips of a video probe better."""

from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.claims.lab.clip_probe import clip_tensors, clip_vectors
from sparsetime.claims.lab.frozen_probes import probe_accuracy
from sparsetime.claims.lab.short_pretraining import pretrain_briefly
from sparsetime.pretraining.recipes.card import pretraining_objective

D, STEPS, BATCH, RATE = 48, 100, 32, 3e-3
CLIPS, FRAMES, LENGTH, TUBE = 250, 40, 8, 4
SPANS = {"the same clip": 0, "clips within 8 frames": 8, "clips of the whole video": None}


@claim(
    "persistence",
    system=142,
    says="Mean vectors of clips are probed for motion and shape of their video: positives from any "
    "two clips of a video are better than positives that are the same clip with other noise; the "
    "accuracy for a span between is measured too.",
    data="made videos of one moving shape, 40 frames of 32 pixels, six kinds of motion and three "
    "shapes",
    expects=[
        Less("accuracy, the same clip", than="accuracy, clips of the whole video"),
        Less("accuracy, untrained", than="accuracy, clips of the whole video"),
    ],
    seconds=90,
    rule="On small videos, positives from different clips of one video probe better than same-clip "
    "positives, with the gap plotted against time span.",
    notes="BYOL; noise on pixels is the only other augmentation. The accuracy is the mean of both "
    "labels, from the first 8 frames.",
    null=lambda lab, seed: _values(seed, whole=0),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All arms begin with the same weights and read the same videos."""
    return _values(seed)


def _values(seed: int, whole: int | None = None) -> dict[str, float]:
    """whole: the span of clips of the whole video; 0 for the null, which is the same clip."""
    train, test = clip_tensors(CLIPS, FRAMES, seed)
    shown = [one.frames[:, :LENGTH] for one in (train, test)]
    values = {}
    for name, span in SPANS.items():
        chosen = whole if span is None else span
        objective = pretraining_objective("persistence", length=LENGTH, span=chosen, frames=TUBE)
        model = objective.encoder(d=D, seed=seed)
        for arm in ("untrained", name):
            if arm == name:
                settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
                pretrain_briefly(model, train.frames, objective, **settings)
            elif "accuracy, untrained" in values:
                continue
            x, x_test = (clip_vectors(model, one) for one in shown)
            scores = [
                probe_accuracy(x, label, x_test, of_test)
                for label, of_test in ((train.motion, test.motion), (train.shape, test.shape))
            ]
            values[f"accuracy, {arm}"] = sum(scores) / len(scores)
    return values
