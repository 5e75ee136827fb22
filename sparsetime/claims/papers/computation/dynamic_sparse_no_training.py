"""DSnoT: swaps from a Wanda mask lower the error of layers, and perhaps perplexity."""

import math
from typing import Any

import torch
from torch import Tensor

from sparsetime.claims.claim import AtLeast, AtMost, Lab, Less, claim
from sparsetime.claims.lab.net_training import mean_loss
from sparsetime.claims.lab.python_documents import python_windows
from sparsetime.computation.output_errors import output_errors
from sparsetime.computation.sparsify import sparsify
from sparsetime.testbeds.python_code.pretrained import code_model

SPARSITIES = (0.6, 0.7)
CALIBRATION, WINDOWS = 32, 24
SETTINGS: dict[str, Any] = {"cycles": 50, "threshold": 0.1}


@claim(
    "dynamic_sparse_no_training",
    system=130,
    says="From a Wanda mask at 60 and 70%, swaps lower the error of layers and the perplexity, "
    "while sparsity and the values of weights stay.",
    data="the Python-source model; 32 modules of its training calibrate, 24 held-out modules score",
    expects=[
        Less("layer error at 60%, swapped", than="layer error at 60%, Wanda"),
        Less("layer error at 70%, swapped", than="layer error at 70%, Wanda"),
        Less("perplexity at 60%, swapped", than="perplexity at 60%, Wanda"),
        Less("perplexity at 70%, swapped", than="perplexity at 70%, Wanda"),
        AtMost("largest change of sparsity", than=0.0),
        AtMost("kept weights with another value", than=0.0),
        AtLeast("share of entries swapped", than=1e-4),
    ],
    seconds=60,
    rule="From a 60-70% Wanda start on a small LM, swaps lower layer error and perplexity while "
    "sparsity and weight values stay unchanged.",
    notes="Masks are calibrated at once, with the inputs of the dense model, and not layer by "
    "layer. Layer error: of outputs on held-out inputs, relative to it, mean over matrices.",
    null=lambda lab, seed: _values(seed, cycles=0),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Wanda and swaps at two sparsities."""
    return _values(seed)


def _values(seed: int, **changed: int) -> dict[str, float]:
    """changed: settings of the null, in which no entry is swapped."""
    model = code_model()
    data = python_windows(model, CALIBRATION, seed=seed, held_out=False)
    held_out = python_windows(model, WINDOWS, seed=seed, held_out=True)
    dense = {name: p.detach().clone() for name, p in model.model.named_parameters()}
    values: dict[str, float] = {}
    sparsity_changes, changed_values, swapped = [], 0, []
    for sparsity in SPARSITIES:
        masks: list[dict[str, Tensor]] = []
        for name, method in (("Wanda", "wanda"), ("swapped", "dsnot")):
            settings = {**SETTINGS, **changed} if method == "dsnot" else {}
            sparse = sparsify(model, method, sparsity=sparsity, data=data, **settings)
            at = f"at {sparsity:.0%}, {name}"
            errors = output_errors(sparse, held_out)
            values[f"layer error {at}"] = sum(errors.values()) / len(errors)
            values[f"perplexity {at}"] = math.exp(mean_loss(model.model, held_out))
            thinned = {row.name: dict(model.model.named_parameters())[row.name].detach().clone()
                       for row in sparse.report().matrices}  # fmt: skip
            masks.append({key: value != 0 for key, value in thinned.items()})
            changed_values += sum(
                int((value[value != 0] != dense[key][value != 0]).sum())
                for key, value in thinned.items()
            )
            sparse.dense()
        wanda, other = masks
        sparsity_changes.append(
            max(abs(float(wanda[key].float().mean() - other[key].float().mean())) for key in wanda)
        )
        swapped.append(
            float(torch.cat([(wanda[key] != other[key]).flatten() for key in wanda]).float().mean())
        )
    return {
        **values,
        "largest change of sparsity": max(sparsity_changes),
        "kept weights with another value": float(changed_values),
        "share of entries swapped": min(swapped),
    }
