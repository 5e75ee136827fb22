"""Words in Motion: control vectors of speed, raw and refined by a dictionary."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.dictionaries.directions import directions
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.models.hooks import recording
from sparsetime.steering.code_descent import decoded_change
from sparsetime.steering.steer import steer
from sparsetime.testbeds.trained.trajectories import FASTEST, SLOWEST, trajectories
from sparsetime.testbeds.trained.trajectory_model import SITE, TrajectoryModel, trajectory_model

WIDTH, K, ROWS = 256, 3, 40_000
AGENTS, SCALES = 512, np.linspace(-2.0, 2.0, 9)
THIRD = (FASTEST - SLOWEST) / 3


@claim(
    "control_vectors",
    system=210,
    says="Forecast speeds are more linear in the scale of a control vector of speed that a "
    "dictionary refined than of the raw difference of means.",
    data="a proxy: a causal transformer of three layers, trained on made trajectories, in the "
    "place of forecasters of traffic; hidden states after two layers",
    expects=[
        Less("R2 of the raw vector", than="R2 of the refined vector"),
        AtLeast("rise of speed by the refined vector", than=0.1),
    ],
    seconds=80,
    rule="In a small trajectory transformer, SAE-refined speed vectors give more linear response "
    "to scaling than raw difference vectors.",
    notes="Raw: mean hidden state of the fastest third less that of the slowest. Refined: the same "
    "difference of mean codes, decoded. Both have one length, that of the raw vector. R2 is of a "
    "line through the mean forecast speed at nine scales from -2 to 2.",
    null=lambda lab, seed: _values(lab, seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """One model; dictionary and trajectories are of the seed; forecasts are of other agents."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, with a dictionary that has not been trained."""
    model = trajectory_model()
    training = trajectories(4 * AGENTS, seed=seed, part="dictionary")
    hidden = _hidden(model, training.displacements)
    rows = hidden[:, 4:].flatten(0, 1)
    sae = dictionary("topk", d_in=rows.shape[1], width=WIDTH, k=K, seed=seed)
    if untrained:
        sae.normalisation.fit(rows)
    else:
        lab.train(sae, rows, rows=ROWS, seed=seed)
    last = hidden[:, -1]
    fast, slow = (last[own] for own in (
        training.speed > FASTEST - THIRD, training.speed < SLOWEST + THIRD))  # fmt: skip
    raw = fast.mean(0) - slow.mean(0)
    means = [sae.encode(x).dense().mean(0, keepdim=True) for x in (slow, fast)]
    refined = decoded_change(sae, *means)[0]
    reported = trajectories(AGENTS, seed=seed, part="reported")
    rng = seeds.torch_generator(seed, "random choice")
    vectors = {
        "the raw vector": raw,
        "the refined vector": refined,
        "a random vector": torch.randn(len(raw), generator=rng),
    }
    values = {"FVU": lab.fvu(sae, rows)}
    for name, vector in vectors.items():
        unit = vector / vector.norm() * raw.norm()
        speeds = [_forecast(model, reported.displacements, unit, scale) for scale in SCALES]
        values[f"R2 of {name}"] = _r2(np.array(speeds))
        values[f"rise of speed by {name}"] = speeds[-1] - speeds[0]
    error = _forecast(model, reported.displacements, raw, 0.0) - float(reported.speed.mean())
    values["error of the mean forecast speed"] = error
    return values


@torch.no_grad()
def _hidden(
    model: TrajectoryModel, x: Float[Tensor, "agents steps 2"]
) -> Float[Tensor, "agents steps d"]:
    with recording(model, SITE) as activations:
        model(x)
    return activations[SITE].float()


@torch.no_grad()
def _forecast(
    model: TrajectoryModel,
    x: Float[Tensor, "agents steps 2"],
    vector: Float[Tensor, " d"],
    scale: float,
) -> float:
    """The mean length of the last forecast, with the scaled vector added at every step."""
    edits = {0: float(scale)} if scale else {}
    run = steer(model, {SITE: directions(vector)}, {SITE: edits}, units="activation")
    with run:
        return float(model(x)[:, -1].norm(dim=1).mean())


def _r2(speeds: Float[np.ndarray, " scales"]) -> float:
    return float(np.corrcoef(SCALES, speeds)[0, 1] ** 2)
