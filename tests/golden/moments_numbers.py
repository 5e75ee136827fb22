"""Golden numbers of moments, made sequences, temporal tests, and a classifier of frames."""

from __future__ import annotations

import torch

from sparsetime import seeds
from sparsetime.claims.lab.clip_classifier import frame_classifier, train_classifier
from sparsetime.metrics.temporal_tests import temporal_tests
from sparsetime.moments.find_moments import find_moments
from sparsetime.registry import components_of
from sparsetime.testbeds.clips.generate import clips
from sparsetime.testbeds.haystack.haystacks import haystacks


def moments() -> dict[str, dict[str, float]]:
    """The sum of the first steps and of the scores by finder."""
    bed = haystacks(2, time=240, events=3, d=16, scene=40)
    by_finder = {}
    for kind in components_of("moment_finder"):
        table = find_moments(bed.rows, kind, query=bed.queries[0], budget=6).table
        by_finder[f"{kind}, steps"] = float(sum(table["first_step"].to_pylist()))
        by_finder[f"{kind}, scores"] = float(sum(table["score"].to_pylist()))
    frames = torch.stack([torch.from_numpy(c.frames) for c in clips(6, 4, 16)]).float() / 255
    frames = torch.cat([frames, frames.flip(1)])  # the class is the order
    labels = torch.arange(12) // 6
    model = frame_classifier(frames, ["rnn"], 2, 8, 0)
    settings = {"steps": 30, "batch": 12, "rate": 3e-2, "seed": 0}
    train_classifier(model, (frames, labels), **settings)
    with seeds.torch_globals(0, "initial weights of a testbed"):
        linear, other = (
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(frames[0].numel(), 3))
            for _ in range(2)
        )
    answers = linear(frames).argmax(1)  # of order, so that its tests are of known answers
    tests = temporal_tests(linear, frames, answers, untrained=other)
    weights = sum(p.detach().double().square().sum().item() for p in model.parameters())
    return {
        "claims.lab.clip_classifier": {"weights": weights},
        "metrics.temporal_tests": {
            "accuracy": tests.accuracy,
            "gain": tests.gain.value,
            "order": tests.order.value,
            "disparity": tests.disparity.value,
        },
        "moments.find_moments": by_finder,
        "testbeds.haystack.haystacks": {"rows": bed.rows.double().sum().item()},
    }
