"""Deja Vu: predicted neurons against random and fixed ones."""

import math
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss
from sparsetime.claims.lab.python_documents import python_windows
from sparsetime.computation.sparsify import sparsify
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.python_code.pretrained import code_model

CALIBRATION, WINDOWS, SPARSITY = 32, 24, 0.5
LAYERS = 4


@claim(
    "contextual_sparsity",
    system=171,
    says="A low-rank predictor finds more of the half of neurons with the largest output than a "
    "random choice and than a fixed set, and perplexity rises by at most 10%.",
    data="the Python-source model; 32 modules calibrate, 24 held-out modules score",
    expects=[
        Less("recall of random neurons", than="recall of predicted neurons"),
        Less("recall of a fixed set", than="recall of predicted neurons"),
        AtMost("rise of perplexity, in percent", than=10.0),
    ],
    seconds=80,
    rule="Cheap predictors on a small LM beat random selection in recall of active neurons, "
    "keeping perplexity within tolerance at stated sparsity.",
    notes="Half of the neurons of each MLP are computed; heads are not predicted. The tolerance is "
    "read as 10%. The fixed set is the half with the largest mean output in calibration.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Recall and perplexity of one predictor a layer."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which the predictor has one step of training."""
    model = code_model()
    data = python_windows(model, CALIBRATION, seed=seed, held_out=False)
    held_out = python_windows(model, WINDOWS, seed=seed, held_out=True)
    dense = mean_loss(model.model, held_out)
    outputs, fixed = _outputs(model, held_out), [o.mean(0) for o in _outputs(model, data)]
    settings: dict[str, Any] = {"steps": 1} if untrained else {}
    sparse = sparsify(model, "deja_vu", sparsity=SPARSITY, data=data, seed=seed, **settings)
    thinned = mean_loss(model.model, held_out)
    chosen = [output != 0 for output in _outputs(model, held_out)]
    sparse.dense()
    # What a predictor chose is compared with the outputs of the model that ran with it left in.
    predicted, random, constant = [], [], []
    for layer in range(LAYERS):
        active = _largest(outputs[layer])
        width = active.shape[1]
        predicted.append(_recall(active, chosen[layer]))
        generator = seeds.torch_generator(seed, "random choice", layer)
        random.append(_recall(active, _largest(torch.rand(active.shape, generator=generator))))
        constant.append(_recall(active, _largest(fixed[layer][None].expand(len(active), width))))
    return {
        "recall of predicted neurons": sum(predicted) / LAYERS,
        "recall of random neurons": sum(random) / LAYERS,
        "recall of a fixed set": sum(constant) / LAYERS,
        "rise of perplexity, in percent": 100 * math.expm1(thinned - dense),
    }


def _outputs(model: LoadedModel, windows: Tensor) -> list[Tensor]:
    """By layer, the length of what each neuron writes at each step."""
    sites = [f"model.layers.{layer}.mlp.down_proj:input" for layer in range(LAYERS)]
    parts: list[list[Tensor]] = [[] for _ in sites]
    for batch in windows.split(8):
        with torch.no_grad(), recording(model.model, sites) as activations:
            model.model(input_ids=batch, use_cache=False)
        for part, site in zip(parts, sites, strict=True):
            part.append(activations[site].flatten(0, 1).abs())
    paths = [site.removesuffix(":input") for site in sites]
    norms = [model.model.get_parameter(f"{path}.weight").detach().norm(dim=0) for path in paths]
    return [torch.cat(part) * norm for part, norm in zip(parts, norms, strict=True)]


def _largest(values: Tensor) -> Bool[Tensor, "steps neurons"]:
    """True at the half of neurons with the largest value of each step."""
    chosen = values.topk(round(values.shape[1] * (1 - SPARSITY)), dim=1).indices
    return torch.zeros_like(values, dtype=torch.bool).scatter_(1, chosen, True)


def _recall(active: Bool[Tensor, "steps neurons"], chosen: Bool[Tensor, "steps neurons"]) -> float:
    return float((active & chosen).sum() / active.sum())
