"""LSSL: recurrence equals convolution, HiPPO matrices remember, the step size scales time."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.sequence_models.mixers.hippo_matrices import Transition
from sparsetime.sequence_models.mixers.lssl import LSSL

STATES, STEPS, DELAY = 32, 2048, 100
SIZES = (1 / 50, 1 / 100, 1 / 200, 1 / 400)
RIDGE = 1e-4


@claim(
    "lssl",
    system=43,
    says="The recurrence equals the convolution to 1e-4; a linear readout of the state of a HiPPO "
    "matrix explains more of the input 100 steps ago than one of a random matrix; at half the rate "
    "and twice the step size outputs differ by less than 10%.",
    data="band-limited noise, 2,048 steps; 32 states a channel",
    expects=[
        AtMost("largest difference of the two modes, relative", than=1e-4),
        Less("R2 at 100 steps, random A", than="R2 at 100 steps, HiPPO"),
        AtMost("difference at half rate and twice the step, relative", than=0.1),
    ],
    seconds=30,
    rule="recurrent and convolutional modes agree within tolerance, a HiPPO-initialised A beats "
    "random A on long-memory tasks, and changing the step size rescales time.",
    notes="Memory is read by ridge regression on half of the steps and scored on the other half; "
    "the matrices are not trained. The step size is chosen for each matrix on another seed.",
    null=lambda lab, seed: _values(lab, seed, hippo="random", scale=1.0),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Step sizes are chosen on the tuning seed."""
    return _values(lab, seed)


def _values(
    lab: Lab, seed: int, hippo: Transition = "legs", scale: float = 2.0
) -> dict[str, float]:
    """hippo, scale: for the null, a random matrix in HiPPO's place and an unchanged step size."""
    x = _noise(seed, STEPS)
    layer = _layer(hippo, seed, channels=4)
    wide = x[..., None].expand(-1, -1, 4)
    recurrent, convolved = layer.filtered(wide)[0], layer.convolved(wide)
    values = {
        "largest difference of the two modes, relative": _relative(recurrent, convolved),
    }
    matrices: list[tuple[Transition, str]] = [(hippo, "HiPPO"), ("random", "random A")]
    for kind, name in matrices:
        tuned = [_recall(kind, lab.tuning_seed, size) for size in SIZES]
        size = SIZES[tuned.index(max(tuned))]
        values[f"R2 at 100 steps, {name}"] = _recall(kind, seed, size)
        values[f"step size, {name}"] = size
    with torch.no_grad():
        layer.log_step.add_(math.log(scale))
        slow = layer.filtered(wide[:, ::2])[0]
    values["difference at half rate and twice the step, relative"] = float(
        (slow - recurrent[:, ::2]).square().mean().sqrt() / recurrent.square().mean().sqrt()
    )
    return values


def _layer(kind: Transition, seed: int, channels: int) -> LSSL:
    mixer = {"kind": "lssl", "states": STATES, "transition": kind}
    model = compose_model("values", mixer, d=channels, d_in=1, channel=None, seed=seed).double()
    layer = model.layers[0].mixer
    assert isinstance(layer, LSSL)
    with torch.no_grad():
        layer.log_step.fill_(math.log(1 / 100))
        layer.skip.zero_()
    return layer.requires_grad_(False)


def _recall(kind: Transition, seed: int, size: float) -> float:
    """R2 on the second half of the steps of a ridge regression of x[t - DELAY] on the state."""
    layer = _layer(kind, seed, channels=1)
    layer.log_step.fill_(math.log(size))
    x = _noise(seed, 2 * STEPS)[0]
    state, rows = None, []
    for value in x.split(1):
        _, state = layer.filtered(value[None, :, None], state)
        rows.append(state[0, 0])
    states, target = torch.stack(rows)[DELAY:], x[:-DELAY]
    states = (states - states.mean(0)) / states.std(0).clamp_min(1e-12)
    half = len(states) // 2
    first, second = states[:half], states[half:]
    gram = first.T @ first / half + RIDGE * torch.eye(STATES, dtype=torch.float64)
    weight = torch.linalg.solve(gram, first.T @ target[:half] / half)
    error = (second @ weight - target[half:]).square().mean()
    return float(1 - error / target[half:].square().mean())


def _noise(seed: int, steps: int) -> Float[Tensor, "1 steps"]:
    """Noise of unit variance without frequencies above a period of 25 steps."""
    random = seeds.numpy_generator(seed, "planted noise", steps)
    spectrum = np.fft.rfft(random.standard_normal(steps))
    spectrum[np.fft.rfftfreq(steps) > 1 / 25] = 0
    x = np.fft.irfft(spectrum, n=steps)
    return torch.from_numpy(x / x.std())[None]


def _relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())
