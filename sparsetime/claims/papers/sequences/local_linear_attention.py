"""Local linear attention: a local line follows a function that drifts better than a local mean."""

from collections.abc import Callable
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.kernels.associative_memory import associative_memory
from sparsetime.kernels.memory_coefficients import Rates
from sparsetime.sequence_models.mixers.hopfield import separate
from sparsetime.sequence_models.mixers.local_linear import LocalLinear
from sparsetime.sequence_models.mixers.mixer import Mixer

D, TIME, SEQUENCES = 4, 256, 32
SPREAD, NOISE = 0.3, 0.1
SCALES = (4.0, 16.0, 64.0, 256.0)
RIDGES = (0.01, 0.1, 1.0)
DECAYS, RATES = (0.0, -0.03), (0.1, 0.3, 1.0)

#: Predictions of every target from those before it, at two settings.
Predict = Callable[[Tensor, Tensor, tuple[float, float]], Tensor]


@claim(
    "local_linear_attention",
    system=264,
    says="In regression in context on inputs that drift, local linear attention has less error on "
    "the next value than softmax attention and linear attention, and blocks equal the naive solve.",
    data="32 sequences of 256 unit vectors in four dimensions that turn from one direction to "
    "another, with a smooth function of them and noise",
    expects=[
        Less("error, local linear", than="error, softmax"),
        Less("error, local linear", than="error, linear"),
        AtMost("largest difference from the naive solve", than=1e-4),
    ],
    seconds=30,
    rule="On non-stationary in-context regression it has lower test error than softmax and linear "
    "attention, and blockwise output equals the naive solve.",
    notes="Weights are those of the mixers with keys, queries and values given. Two settings of "
    "each are chosen on another seed: inverse temperature and ridge, or decay and rate. Linear "
    "attention writes by the delta rule, which is the better one here.",
    null=lambda lab, seed: _values(lab, seed, constant=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Temperatures are chosen on the tuning seed."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, constant: bool = False) -> dict[str, float]:
    """constant: True for the null, in which the local fit is a constant too."""
    tuning, data = _drifting(lab.tuning_seed), _drifting(seed)
    local = _softmax if constant else _local_linear
    values = {}
    models: list[tuple[str, Predict, tuple[float, ...], tuple[float, ...]]] = [
        ("local linear", local, SCALES, RIDGES),
        ("softmax", _softmax, SCALES, (0.0,)),
        ("linear", _linear, DECAYS, RATES),
    ]
    for name, predict, first, second in models:
        settings = list(product(first, second))
        tuned = [_error(predict, tuning, one) for one in settings]
        best = settings[tuned.index(min(tuned))]
        values[f"error, {name}"] = _error(predict, data, best)
        values[f"first setting, {name}"], values[f"second setting, {name}"] = best
    values["largest difference from the naive solve"] = _naive_difference(data)
    return values


def _error(predict: Predict, data: tuple[Tensor, Tensor], setting: tuple[float, float]) -> float:
    """Mean squared error of the next target over its variance, after 32 steps."""
    x, y = data
    predicted = predict(x, y, setting)
    return float((predicted - y)[:, 32:].square().mean() / y[:, 32:].var())


def _drifting(
    seed: int,
) -> tuple[Float[Tensor, "sequences time d"], Float[Tensor, "sequences time"]]:
    """Unit vectors that turn from one random direction to another, and a function of them."""
    draw = seeds.torch_generator(seed, "planted codes")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    first, last, a = normal(SEQUENCES, 1, D), normal(SEQUENCES, 1, D), normal(SEQUENCES, D, 1)
    part = torch.linspace(0, 1, TIME, dtype=torch.float64)[:, None]
    x = normalize((1 - part) * first + part * last + SPREAD * normal(SEQUENCES, TIME, D), dim=-1)
    y = (3 * x @ normalize(a, dim=1)).sin()[..., 0]
    return x, y + NOISE * normal(SEQUENCES, TIME)


def _earlier() -> Tensor:
    """Each query reads the steps before its own; the first, which has none, reads itself."""
    allowed = torch.ones(TIME, TIME, dtype=torch.bool).tril(-1)
    allowed[0, 0] = True
    return allowed[None, None]


def _as_heads(x: Tensor, scale: float) -> Tensor:
    """Queries and keys whose scores are scale * x x'."""
    scaled: Tensor = (scale**0.5 * D**0.25 * x)[:, None]
    return scaled


def _softmax(x: Tensor, y: Tensor, setting: tuple[float, float]) -> Tensor:
    q = _as_heads(x, setting[0])
    score = (q @ q.transpose(-1, -2)) * D**-0.5
    weights = separate(score.masked_fill(~_earlier(), -torch.inf), "softmax")[:, 0]
    predicted: Tensor = (weights @ y[..., None])[..., 0]
    return predicted


def _local_linear(x: Tensor, y: Tensor, setting: tuple[float, float]) -> Tensor:
    q = _as_heads(x, setting[0])
    weights = _mixer(setting[1]).weights(q, q, _earlier())[:, 0]
    predicted: Tensor = (weights @ y[..., None])[..., 0]
    return predicted


def _mixer(ridge: float) -> LocalLinear:
    mixer = Mixer.from_config({"kind": "local_linear", "d": D, "heads": 1, "ridge": ridge})
    assert isinstance(mixer, LocalLinear)
    return mixer


def _linear(x: Tensor, y: Tensor, setting: tuple[float, float]) -> Tensor:
    """The delta rule on inputs of unit norm with a constant, read before every write."""
    inputs = torch.cat([x, torch.ones_like(x[..., :1])], -1)
    norm = inputs.norm(dim=-1)
    k, v = (inputs / norm[..., None])[:, None], (y / norm)[:, None]
    one = torch.ones(1, 1, 1, dtype=x.dtype)
    errors = associative_memory(
        k, k, v[..., None], Rates(setting[0] * one, setting[1] * one), "step"
    ).errors
    assert errors is not None
    predicted: Tensor = (errors[:, 0, :, 0] + v[:, 0]) * norm
    return predicted


def _naive_difference(data: tuple[Tensor, Tensor]) -> float:
    """Of float32 blocks from a float64 solve of every query's own regression."""
    x, y = (one[:2] for one in data)
    q = k = _as_heads(x, 8.0)
    mixer = _mixer(0.1)
    weights = mixer.weights(q.float(), k.float(), _earlier())[:, 0].double()
    blocks = (weights @ y[..., None])[..., 0]
    largest = 0.0
    for t in range(8, TIME, 31):
        z = k[:, 0, :t] - q[:, 0, t, None]
        score = (k[:, 0, :t] * q[:, 0, t, None]).sum(-1) * D**-0.5
        w = (score - score.amax(-1, keepdim=True)).exp()
        design = torch.cat([torch.ones_like(z[..., :1]), z], -1)
        gram = (w[..., None] * design).transpose(1, 2) @ design
        gram[:, 1:, 1:] += mixer.ridge * torch.eye(z.shape[-1], dtype=z.dtype)
        right = (w[..., None] * design).transpose(1, 2) @ y[:, :t, None]
        fit = torch.linalg.solve(gram, right)[:, 0, 0]
        largest = max(largest, float((fit - blocks[:, t]).abs().max()))
    return largest
