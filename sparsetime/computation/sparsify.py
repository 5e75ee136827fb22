"""st.sparsify: leave out weights or activations of a model, by the name of a published method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from sparsetime.computation.model_loss import LossFunction
from sparsetime.computation.named_plan import PlanLike
from sparsetime.computation.sparse import Sparse
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel


def sparsify(
    model: str | Path | nn.Module | LoadedModel,
    method: PlanLike = None,
    *,
    sparsity: float | None = None,
    data: Any = None,
    sites: str | Sequence[str] | None = None,
    loss: LossFunction | None = None,
    seed: int = 0,
    tokenizer: Any = None,
    **settings: Any,
) -> Sparse:
    """Leave out a share of a model's computation, in place; returns the handle.

        sparse = st.sparsify(model, "wanda", sparsity=0.5, data=texts)
        sparse.then("delta_network", sparsity=0.3, data=texts).then("round_to_nearest", bits=4)
        sparse = st.sparsify(model, score="magnitude", structure="fan_in", sparsity=0.9)

    method: a recipe of kind "computation plan" (`sparsetime recipes`), such as "magnitude", "wanda"
    or "rigl"; "N:M" such as "2:4"; a plan; or None, where `settings` name the components of a plan
    of weights: score, structure, distribution, schedule, gradient_rule. sparsity: the share that is
    left out, from 0 to less than 1; none for methods that round weights to few bits. data: what a
    method is calibrated on: texts, tokens [sequences, time], another tensor [rows, ...], a pair of
    inputs and targets, or an iterable of batches.
    sites: names or patterns of modules, such as "model.layers.*.mlp"; None for all weight matrices
    but embeddings and the head of a language model. loss: for methods that read gradients, a
    function of the model and a batch; None for the loss of its next tokens or targets. seed: of
    random masks. settings: the recipe's own.

    A module is changed as it is, and `sparse.dense()` undoes it; a name or a folder is loaded with
    its head. Methods that train are then attached to an optimiser: `sparse.attach(optimiser)`.

    Errors: UnknownNameError for an unknown method, setting or site, with the nearest names;
    ConfigError for a sparsity outside of [0, 1), a structure that does not divide a matrix,
    missing calibration data, weights that are quantised, parametrised or sharded; DataError for
    data that the model cannot read. All come before the model is changed.
    """
    handle = Sparse(load_causal_model(model, tokenizer))
    return handle.then(
        method, sparsity=sparsity, data=data, sites=sites, loss=loss, seed=seed, **settings
    )
