"""TS2Vec: hierarchical contrast of two overlapping crops."""

from __future__ import annotations

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "ts2vec",
    title="TS2Vec",
    paper="Yue et al. 2022, TS2Vec: towards universal representation of time series, "
    "arXiv:2106.10466",
    idea="A step's vectors in two contexts are alike, at every scale of time.",
    claim="Vectors of every step that classify, forecast and mark anomalies with linear models.",
    source_of_defaults="Steps are hidden with probability 0.5, as in the paper; four dilated "
    "convolutions in place of ten.",
    cost="Two passes of the model a step, and the products of all pairs of times and of sequences.",
    system=260,
)
def ts2vec(hidden: Share = 0.5, layers: Count = 4) -> PretrainingObjective:
    """layers: of the encoder, each with twice the dilation of the one before."""
    convolutions = [{"kind": "centred_conv", "dilation": 2**i} for i in range(layers)]
    return compose_objective(
        {"kind": "hierarchical_contrast", "pair": "crops", "hidden": hidden},
        model={"view": "values", "mixers": convolutions, "channel": None},
    )
