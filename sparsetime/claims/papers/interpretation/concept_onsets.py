"""Birth of Knowledge: at which training step latents for a concept appear, in each layer."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.best_single_feature import best_single_feature_auroc
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.concept_onsets import concept_onsets
from sparsetime.metrics.model_windows import token_windows
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.models.untrained import untrained_copy
from sparsetime.testbeds.python_code.pretrained import code_model, steps_of

LAYERS = ("model.layers.0", "model.layers.1", "model.layers.3")
CONCEPTS = ("in_string", "in_comment", "in_docstring", "in_condition")
WIDTH, K, ROWS = 128, 8, 12_000
LENGTH, TRAINED, SCORED = 128, 100, 80
MARGIN = 0.05
UNTRAINED = -1


@claim(
    "concept_onsets",
    system=199,
    says="Every concept has a training step from which on a latent of some layer holds it, above "
    "the untrained model by .05 in AUROC; reappearances over layers are flagged.",
    data="the Python-source model at its kept training steps and untrained, three of four layers; "
    "four labels of Python's parser, held-out documents",
    expects=[
        AtLeast("share of concepts with an onset", than=1.0),
        Less("mean AUROC of the untrained model", than="mean AUROC at the end"),
    ],
    seconds=90,
    rule="Across small-LM checkpoints, each concept gets an onset step above an untrained control, "
    "and layer reappearances are flagged.",
    notes="A concept is held by the latent of highest AUROC on half of the windows, scored on the "
    "others; each checkpoint and layer has a dictionary of its own. One size of model.",
    null=lambda lab, seed: _values(lab, seed, shifted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Small TopK dictionaries, trained alike at every checkpoint and layer."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, shifted: bool = False) -> dict[str, float]:
    """shifted: the null, in which labels are shifted by half of the windows."""
    code = lab.code()
    steps = [UNTRAINED, *steps_of()]
    labels = _labels(code)
    if shifted:
        labels = labels.roll(len(labels) // 2 + LENGTH // 2, 0)
    half = len(labels) // 2
    auroc = np.zeros((len(steps), len(LAYERS), len(CONCEPTS)))
    for row, step in enumerate(steps):
        parts = zip(_rows(code, step, True), _rows(code, step, False), strict=True)
        for layer, (train, scored) in enumerate(parts):
            sae = dictionary("topk", d_in=code.d, width=WIDTH, k=K, seed=seed)
            lab.train(sae, train, rows=ROWS, seed=seed)
            dense = sae.encode(scored).dense()
            auroc[row, layer] = best_single_feature_auroc(
                dense[:half], labels[:half], dense[half:], labels[half:]
            ).numpy()
    values: dict[str, float] = {}
    having = flagged = 0
    for number, name in enumerate(CONCEPTS):
        found = concept_onsets(auroc[1:, :, number], auroc[0, :, number], MARGIN)
        having += found.first >= 0
        flagged += int(found.reappears[-1].sum())
        values[f"onset step of {name}"] = (
            float(steps[1 + found.first]) if found.first >= 0 else -1.0
        )
    return {
        "share of concepts with an onset": having / len(CONCEPTS),
        "mean AUROC of the untrained model": float(auroc[0].mean()),
        "mean AUROC at the end": float(auroc[-1].mean()),
        "reappearances at the end": float(flagged),
        **values,
    }


@cache
def _model(step: int) -> LoadedModel:
    return untrained_copy(code_model(), 0) if step == UNTRAINED else code_model(step=step)


@cache
def _rows(code: Splits, step: int, is_training: bool) -> list[Float[Tensor, "rows d"]]:
    """Activations of windows of training or of held-out documents, by layer."""
    model = _model(step).model
    parts: list[list[Tensor]] = [[] for _ in LAYERS]
    for batch in _windows(code, is_training).split(20):
        with torch.no_grad(), recording(model, LAYERS) as activations:
            model(input_ids=batch)
        for part, layer in zip(parts, LAYERS, strict=True):
            part.append(activations[layer].flatten(0, 1))
    return [torch.cat(part) for part in parts]


def _windows(code: Splits, is_training: bool) -> Int[Tensor, "windows length"]:
    store, count = (code.train_store, TRAINED) if is_training else (code.held_out_store, SCORED)
    windows = token_windows(store, LENGTH)
    return windows[:: max(1, len(windows) // count)][:count]


def _labels(code: Splits) -> Tensor:
    """[rows, concepts], True where a concept holds."""
    columns = []
    for name in CONCEPTS:
        windows = token_windows(code.held_out_store, LENGTH, name)
        columns.append(windows[:: max(1, len(windows) // SCORED)][:SCORED].flatten().bool())
    return torch.stack(columns, 1)
