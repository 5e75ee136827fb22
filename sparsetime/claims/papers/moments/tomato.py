"""TOMATO: gain of frames, sensitivity to their order and disparity part two kinds of tasks."""

import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.clip_classifier import frame_classifier, train_classifier
from sparsetime.metrics.temporal_tests import TemporalTests, temporal_tests
from sparsetime.testbeds.clips.generate import COLOURS
from sparsetime.testbeds.clips.generate import clips as made_clips
from sparsetime.testbeds.clips.motions import STROKES

COUNT, FRAMES, SIZE = 900, 8, 16
D, STEPS, BATCH, RATE = 32, 500, 32, 3e-3
TEST = 1_000_000  # added to the seed of test clips
LOW, HIGH = 0.1, 0.5
TASKS = ("colour", "direction")
METRICS = ("gain", "order", "disparity")


@claim(
    "tomato",
    system=295,
    says="For the colour of a moving shape the gain of several frames, the sensitivity to their "
    "order and the disparity of frames are at most 0.1; for its direction all are at least 0.5.",
    data="made clips of a shape that moves in one of four directions, of 16 by 16 pixels and 8 "
    "frames",
    expects=[AtMost(f"{name}, colour", than=LOW) for name in METRICS]
    + [AtLeast(f"{name}, direction", than=HIGH) for name in METRICS],
    seconds=60,
    rule="The three metrics, run on small video tasks, score near zero for an appearance task and "
    "high for a direction-of-motion task.",
    notes="A small recurrent network answers in place of multimodal models. The disparity is the "
    "share of single frames that get another answer than the clip, in our equation.",
    null=lambda lab, seed: _values(seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both tasks are answered by networks of one kind on the same clips."""
    return _values(seed)


def _values(seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: True for the null, in which the frames of all clips are in a random order."""
    values: dict[str, float] = {}
    train, test = (_clips(seed + offset, shuffled) for offset in (0, TEST))
    for task in TASKS:
        arm = (train[0], train[1][task])
        model, twin = (
            frame_classifier(train[0], ["rnn"], len(STROKES), D, seed + n) for n in (0, TEST)
        )
        train_classifier(model, arm, steps=STEPS, batch=BATCH, rate=RATE, seed=seed)
        tests = temporal_tests(model, test[0], test[1][task], untrained=twin, seed=seed)
        values |= _named(task, tests)
    return values


def _named(task: str, tests: TemporalTests) -> dict[str, float]:
    """The metrics of a task by name, and its accuracy."""
    return {f"accuracy, {task}": tests.accuracy} | {
        f"{name}, {task}": getattr(tests, name).value for name in METRICS
    }


def _clips(seed: int, shuffled: bool) -> tuple[Tensor, dict[str, Int[Tensor, " clips"]]]:
    """Clips that move straight, about standardised, and their classes in both tasks."""
    made = [
        clip
        for clip in made_clips(COUNT, FRAMES, SIZE, seed=seed)
        if clip.objects[0].motion in STROKES
    ]
    pixels = torch.stack([torch.from_numpy(clip.frames).float() for clip in made]) / 255
    frames = (pixels - 0.15) / 0.2
    if shuffled:
        draw = seeds.torch_generator(seed, "random choice")
        order = torch.rand(frames.shape[:2], generator=draw).argsort(1)
        frames = frames[torch.arange(len(frames))[:, None], order]
    directions, colours = list(STROKES), list(COLOURS)
    return frames, {
        "direction": torch.tensor([directions.index(c.objects[0].motion) for c in made]),
        "colour": torch.tensor([colours.index(c.objects[0].colour) for c in made]),
    }
