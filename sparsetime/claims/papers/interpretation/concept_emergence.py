"""Birth of Knowledge: when concepts appear over training checkpoints, and in which layers."""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.best_single_feature import best_single_feature_auroc
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.concept_onsets import NEVER, concept_onsets
from sparsetime.models.hooks import recording
from sparsetime.models.load import LoadedModel
from sparsetime.models.untrained import untrained_copy
from sparsetime.testbeds.python_code.pretrained import code_model, steps_of

LAYERS = tuple(f"model.layers.{number}" for number in range(4))
SLOW = ("in_string", "in_comment", "in_docstring", "in_condition", "in_import", "in_except")
#: Tokens that contain one of these; Ġ stands for a space in the model's vocabulary.
FAST = {"digit": "0123456789", "opening bracket": "([{", "underscore": "_", "space": "Ġ"}
CONCEPTS = (*SLOW, *FAST)
WIDTH, K, ROWS, MARGIN = 192, 8, 10_000, 0.05
LENGTH, WINDOWS = 128, 64


@claim(
    "concept_emergence",
    system=199,
    says="A best latent holds most concepts at the end of training better than one of the "
    "untrained model does, each from a step on; reappearances over layers are flagged.",
    data="the Python-source model at 6 training steps, 4 layers, windows of held-out documents; "
    "ten concepts: six labels of Python's parser, four of the token's text",
    expects=[
        AtLeast("concepts with an onset", than=5),
        AtLeast("steps at which some concept has its onset", than=2),
        Less("AUROC of the untrained model", than="AUROC at the end"),
    ],
    seconds=60,
    rule="Across small-LM checkpoints, each concept gets an onset step above an untrained control, "
    "and layer reappearances are flagged.",
    notes="One small model, so that the paper's model sizes are left out. A concept without an "
    "onset is one that the untrained model holds too, such as those of a token's text, or one "
    "that is never held. Latents are chosen on one half of the windows and scored on the other.",
    null=lambda lab, seed: _values(lab, seed, shifted=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """A TopK dictionary of each step and layer, and of each layer of the untrained model."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, shifted: bool = False) -> dict[str, float]:
    """shifted: the null, in which labels are shifted circularly by a random share."""
    _, labels = _windows(lab)
    rng = seeds.numpy_generator(seed, "random choice")
    if shifted:
        share = rng.uniform(0.2, 0.8)
        labels = labels.roll(int(share * len(labels)), 0)
    order = torch.from_numpy(rng.permutation(WINDOWS))
    scores = np.stack(
        [
            _scores(lab, _activations(lab, step, seed if step is None else 0), labels, order, seed)
            for step in (None, *steps_of())
        ]
    )
    control, scores = scores[0], scores[1:]
    found = {
        name: concept_onsets(scores[:, :, number], control[:, number], MARGIN)
        for number, name in enumerate(CONCEPTS)
    }
    steps = np.array(steps_of())
    first = {name: one.first for name, one in found.items()}
    begun = [one for one in first.values() if one != NEVER]
    return {
        "concepts with an onset": float(len(begun)),
        "steps at which some concept has its onset": float(len(set(begun))),
        "AUROC of the untrained model": float(control.mean()),
        "AUROC at the end": float(scores[-1].mean()),
        "checkpoints and layers where a concept reappears": float(
            sum(one.reappears.sum() for one in found.values())
        ),
        **{
            f"onset step of {name}": float(steps[one]) if one != NEVER else -1.0
            for name, one in first.items()
        },
    }


def _scores(
    lab: Lab, layers: dict[str, Tensor], labels: Tensor, order: Tensor, seed: int
) -> Float[np.ndarray, "layers concepts"]:
    """Held-out AUROC of the best latent of every layer, for each concept."""
    half = WINDOWS // 2
    sides = [order[:half], order[half:]]
    found = []
    for layer in LAYERS:
        x = layers[layer]
        sae = dictionary("topk", d_in=x.shape[-1], width=WIDTH, k=K, seed=seed)
        lab.train(sae, x[sides[0]].flatten(0, 1), rows=ROWS, seed=seed)
        codes = [sae.encode(x[side].flatten(0, 1)).dense().detach() for side in sides]
        classes = [labels.reshape(WINDOWS, LENGTH, -1)[side].flatten(0, 1) for side in sides]
        found.append(best_single_feature_auroc(codes[0], classes[0], codes[1], classes[1]).numpy())
    return np.stack(found)


@cache
def _model() -> LoadedModel:
    return code_model()


@cache
def _windows(lab: Lab) -> tuple[Tensor, Bool[Tensor, "rows concepts"]]:
    """Windows of held-out documents, and the concepts of every token."""
    store = lab.code().held_out_store
    tokens = token_windows(store, LENGTH)[:WINDOWS]
    labels = {name: token_windows(store, LENGTH, name)[:WINDOWS].flatten().bool() for name in SLOW}
    tokenizer = _model().tokenizer
    assert tokenizer is not None
    words = tokenizer.convert_ids_to_tokens(tokens.flatten().tolist())
    for name, marks in FAST.items():
        labels[name] = torch.tensor([any(mark in word for mark in marks) for word in words])
    return tokens, torch.stack([labels[name] for name in CONCEPTS], dim=1)


@cache
def _activations(
    lab: Lab, step: int | None, seed: int
) -> dict[str, Float[Tensor, "windows time d"]]:
    """Activations of all layers at a step; None for the untrained model of a seed."""
    model: nn.Module = (
        untrained_copy(_model(), seed).model if step is None else code_model(step=step).model
    )
    parts: list[dict[str, Tensor]] = []
    for batch in _windows(lab)[0].split(16):
        with torch.no_grad(), recording(model, list(LAYERS)) as activations:
            model(input_ids=batch)
        parts.append({layer: activations[layer] for layer in LAYERS})
    return {layer: torch.cat([part[layer] for part in parts]) for layer in LAYERS}
