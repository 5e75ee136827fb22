"""ST-MAE: random masks are no worse than tubes or frames, and cheaper the more is hidden."""

from torch import Tensor

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.clip_probe import clip_tensors, motion_accuracy
from sparsetime.claims.lab.short_pretraining import pretrain_briefly, seconds_a_step
from sparsetime.pretraining.recipes.card import pretraining_objective

D, STEPS, BATCH, RATE, SHARE = 48, 100, 32, 3e-3, 0.9
CLIPS, FRAMES, TUBE = 250, 24, 4
TIMED = (0.5, 0.75, 0.9)
TIMED_STEPS, TIMED_LAYERS = 10, 6


@claim(
    "st_mae",
    system=134,
    says="A probe of motion on frozen vectors is at most 0.01 worse after random masks than after "
    "masks of tubes or of frames, and better than untrained; a step is faster the more is hidden, "
    "from 50% over 75% to 90%.",
    data="made clips of one moving shape, 24 frames of 32 pixels, six kinds of motion",
    expects=[
        AtLeast("accuracy, random less tube", than=-0.01),
        AtLeast("accuracy, random less frame", than=-0.01),
        Less("accuracy, untrained", than="accuracy, random"),
        Less("seconds a step, 75% hidden", than="seconds a step, 50% hidden"),
        Less("seconds a step, 90% hidden", than="seconds a step, 75% hidden"),
    ],
    seconds=90,
    rule="On small clips, random spacetime masking probes no worse than tube or frame masking, and "
    "step time drops as masking approaches 90%.",
    notes="The decoder reads all tubes, so a step is not nine tenths cheaper. Steps are timed "
    "with an encoder of 6 layers before a decoder of one, as the paper's is much the larger part.",
    null=lambda lab, seed: _values(seed, rate=1e-12, swapped=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """All arms begin with the same weights and read the same batches."""
    return _values(seed)


def _values(seed: int, rate: float = RATE, swapped: bool = False) -> dict[str, float]:
    """rate, swapped: in the null weights do not move, and shares of hidden tubes are exchanged."""
    train, test = clip_tensors(CLIPS, FRAMES, seed)
    values = {}
    for mask in ("random", "tube", "frame"):
        objective = pretraining_objective("st_mae", share=SHARE, mask=mask, frames=TUBE)
        model = objective.encoder(d=D, seed=seed)
        if mask == "random":
            values["accuracy, untrained"] = motion_accuracy(model, train, test)
        settings = {"steps": STEPS, "batch": BATCH, "learning_rate": rate, "seed": seed}
        pretrain_briefly(model, train.frames, objective, **settings)
        values[f"accuracy, {mask}"] = motion_accuracy(model, train, test)
    for mask in ("tube", "frame"):
        values[f"accuracy, random less {mask}"] = (
            values["accuracy, random"] - values[f"accuracy, {mask}"]
        )
    seconds = [_seconds(train.frames[:BATCH], share, seed) for share in TIMED]
    if swapped:
        seconds.reverse()
    values |= {
        f"seconds a step, {share:.0%} hidden": one
        for share, one in zip(TIMED, seconds, strict=True)
    }
    return values


def _seconds(frames: Tensor, share: float, seed: int) -> float:
    """Of a step of a short training."""
    objective = pretraining_objective("st_mae", share=share, frames=TUBE, layers=TIMED_LAYERS)
    model = objective.encoder(d=D, seed=seed)
    return seconds_a_step(model, frames, objective, steps=TIMED_STEPS, batch=BATCH, seed=seed)
