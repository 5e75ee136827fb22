"""AdaMAE: a learnt mask keeps tubes that move, and its model is probed no worse."""

import torch
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.clip_probe import ClipTensors, clip_tensors, motion_accuracy
from sparsetime.claims.lab.short_pretraining import pretrained_terms
from sparsetime.pretraining.objectives.masked import MaskedPrediction
from sparsetime.pretraining.recipes.card import pretraining_objective
from sparsetime.sequence_models.model import SequenceModel

D, STEPS, BATCH, RATE = 48, 120, 32, 3e-3
SHARE, MASK_WEIGHT = 0.95, 1.0
CLIPS, FRAMES, TUBE = 250, 24, 4
MOVES = 0.05  # share of a tube's pixels that belong to the shape, for one that counts as moving


@claim(
    "adamae",
    system=189,
    says="With 95% hidden, the learnt mask keeps more tubes of the moving shape than a random one, "
    "and a probe of motion is at most 0.01 worse.",
    data="made clips of one moving shape, 24 frames of 32 pixels, six kinds of motion",
    expects=[
        Less("moving share of visible tubes, random", than="moving share of visible tubes, learnt"),
        AtLeast("accuracy, learnt less random", than=-0.01),
    ],
    seconds=90,
    rule="On small clips, the sampler keeps more moving-region tokens than random masking, with no "
    "worse probe accuracy at 95% masking.",
    notes="The one kind of motion that rests counts as moving too: its tubes hold the shape.",
    null=lambda lab, seed: _values(seed, kind="st_mae"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both arms begin with the same weights and read the same batches."""
    return _values(seed)


def _values(seed: int, kind: str = "adamae") -> dict[str, float]:
    """kind: of the arm that learns its mask; the null's is a random one too."""
    train, test = clip_tensors(CLIPS, FRAMES, seed)
    values = {}
    for name, recipe in (("learnt", kind), ("random", "st_mae")):
        own = {"mask_weight": MASK_WEIGHT} if recipe == "adamae" else {}
        objective = pretraining_objective(recipe, share=SHARE, frames=TUBE, **own)
        model = objective.encoder(d=D, seed=seed)
        settings = {"steps": STEPS, "batch": BATCH, "learning_rate": RATE, "seed": seed}
        (term,) = pretrained_terms(model, train.frames, objective, **settings)
        assert isinstance(term, MaskedPrediction)
        values[f"accuracy, {name}"] = motion_accuracy(model, train, test)
        values[f"moving share of visible tubes, {name}"] = _moving(model, term, test, seed)
    values["accuracy, learnt less random"] = values["accuracy, learnt"] - values["accuracy, random"]
    return values


@torch.no_grad()
def _moving(model: SequenceModel, term: MaskedPrediction, test: ClipTensors, seed: int) -> float:
    """The share of the visible tubes of test clips that hold the shape."""
    embedded = model.view.embed(test.frames)
    layout = model.view.layout(test.frames.shape[1])
    random = seeds.torch_generator(seed, "random choice")
    visible = ~term.mask.draw(embedded, layout, random)
    covered = (test.masks > 0)[..., None].expand(-1, -1, -1, -1, 3).float()
    holds: Tensor = model.view.content(covered).mean(2) > MOVES
    return float((visible & holds).sum() / visible.sum())
